// What the page says: messages and labels from the page's own catalogue, filled in here.
// Everything people wrote is set as text, never as markup.
(function () {
  "use strict";

  const MINUTE_S = 60;
  const DAY_MIN = 1440;
  const SOON_MIN = 60;
  const LONG_MIN = 120;

  const said = JSON.parse(document.getElementById("words").textContent);

  function fill(name, holes) {
    return String(said[name]).replace(/\{(\w+)\}/g, (whole, hole) => (holes && hole in holes ? holes[hole] : whole));
  }

  // The stations' own clock, wherever the phone is.
  function clock(register, seconds) {
    const parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: register.timezone, hour: "2-digit", minute: "2-digit", hour12: false,
    }).format(new Date(seconds * 1000));
    return parts.replace(/^24/, "0").replace(/^0(?=\d)/, "");
  }

  function dayOf(register, seconds) {
    const minute = seconds / MINUTE_S;
    let day = register.days.length - 1;
    while (day > 0 && register.days[day] > minute) { day -= 1; }
    return day;
  }

  function dayName(register, day, arrival) {
    const ahead = day - arrival;
    if (ahead === 0) { return said.today; }
    if (ahead === 1) { return said.tomorrow; }
    const weekday = said.weekdays[(new Date(register.dates[day] + "T00:00:00Z").getUTCDay() + 6) % 7];
    return ahead >= 7 ? fill("next_week", { day: weekday }) : weekday;
  }

  // Midnight is 24:00 of the day that ends; a closing in the small hours belongs to tonight.
  function closing(register, found, at) {
    const exact = dayOf(register, at);
    const midnight = register.days[exact] * MINUTE_S === at;
    const last = midnight ? exact - 1 : exact;
    const time = midnight ? "24:00" : clock(register, at);
    const arrival = dayOf(register, found.arrives_at);
    const early = !midnight && at / MINUTE_S - register.days[exact] < DAY_MIN / 2;
    const tonight = last === arrival || (early && last - arrival === 1);
    return tonight ? time : dayName(register, last, arrival) + " " + time;
  }

  function state(register, found) {
    if (found.state === "open") {
      if (found.minutes_left === null) {
        if (found.sure_until === null) { return said.open; }
        const least = closing(register, found, found.sure_until);
        return least.endsWith("24:00") ? said.open_end : fill("open_at_least", { time: least });
      }
      const time = closing(register, found, found.closes_at);
      return found.minutes_left >= LONG_MIN || isRange(found)
        ? fill("open_until", { time: time }) // nobody knows what will be left then
        : fill("open_left", { time: time, minutes: found.minutes_left });
    }
    if (found.state === "unknown") {
      return found.hours_comment ? said.unknown + " · " + found.hours_comment : said.unknown;
    }
    if (found.opens_at === null) { return said.closed; }
    const day = dayName(register, dayOf(register, found.opens_at), dayOf(register, found.arrives_at));
    return fill("closed_until", { time: day + " " + clock(register, found.opens_at) });
  }

  // How many seconds of riding a position may be wrong: its radius, ridden.
  function slack(register, accuracy_m) {
    return (accuracy_m || 0) * register.detour / (register.speed_kmh / 3.6);
  }

  function isRange(found) { return found.slack_s >= MINUTE_S; }

  // Minutes of the ride; of a place that is known badly, the least and the most they can be.
  function minutes(found) {
    const whole = (seconds) => Math.max(1, Math.round(seconds / MINUTE_S));
    if (!isRange(found)) { return String(whole(found.ride_s)); }
    return whole(found.ride_s - found.slack_s) + "–" + whole(found.ride_s + found.slack_s);
  }

  function glyph(found) {
    if (found.state === "open") { return found.minutes_left !== null && found.minutes_left < SOON_MIN ? "◐" : "●"; }
    return found.state === "closed" ? "○" : "?";
  }

  function checked(register, day) {
    if (!day) { return said.not_checked; }
    const days = Math.round((Date.parse(register.dates[0]) - Date.parse(day)) / 86400000);
    if (!(days > 0)) { return days <= 0 ? said.checked_today : fill("checked_on", { day: day }); }
    return days > 90 ? fill("checked_on", { day: day }) : fill("checked_days", { days: days });
  }

  function age(milliseconds) {
    const minutes = Math.max(0, Math.round(milliseconds / 60000));
    if (minutes < 2) { return said.just_now; }
    if (minutes < 100) { return fill("minutes_ago", { minutes: minutes }); }
    const hours = Math.round(minutes / 60);
    return hours < 48 ? fill("hours_ago", { hours: hours }) : fill("days_ago", { days: Math.round(hours / 24) });
  }

  function platforms(codes) {
    return codes.map((code) => said.platforms[code] || code).join(said.language === "zh" ? "、" : ", ");
  }

  function restriction(found) {
    const words = [];
    if (found.platforms && found.platforms.length) {
      words.push(fill("only_platform", { platforms: platforms(found.platforms) }));
    }
    const access = found.extra && found.extra.access;
    if (access && words.indexOf(access) < 0) { words.push(access); }
    return words.join(" · ");
  }

  // A notice is shown between its dates; a missing date leaves that side open.
  function notice(register, found, nowMs) {
    const given = found.extra && found.extra.notice;
    if (!given) { return ""; }
    const today = register.dates[dayOf(register, nowMs / 1000)];
    const on = (given[1] || "") <= today && today <= (given[2] || "9999");
    return on ? fill("notice", { text: given[0] }) : "";
  }

  function navigation(found, app) {
    const chosen = said.navigation.find((entry) => entry[0] === app) || said.navigation[0];
    const holes = {
      lon: found.lon.toFixed(6),
      lat: found.lat.toFixed(6),
      x: (found.lon + found.shift[0] / 1e6).toFixed(6),
      y: (found.lat + found.shift[1] / 1e6).toFixed(6),
      name: encodeURIComponent(found.name),
    };
    return chosen[2].replace(/\{(\w+)\}/g, (whole, hole) => holes[hole]);
  }

  window.locatorWords = {
    said, fill, state, slack, isRange, minutes, glyph, checked, age, restriction, notice, navigation,
  };
})();
