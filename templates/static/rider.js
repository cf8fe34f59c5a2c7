// Asks the phone for its position and sends it in the body of a request: no address holds it.
// The question is kept in this page's own history entry, so that Back shows the list again.
(function () {
  "use strict";

  const FAILURES = {
    1: "没有位置权限。可以在浏览器设置里允许，或者在下面输入地点。",
    2: "手机现在定不了位。请到开阔处再试，或者在下面输入地点。",
    3: "定位用时太久。请再试一次，或者在下面输入地点。",
  };

  function say(text) {
    const status = document.getElementById("locate-status");
    if (status) { status.textContent = text; }
  }

  function show(question) {
    say("正在查找…");
    fetch("/", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: question,
    })
      .then((answer) => answer.text())
      .then((text) => {
        const page = new DOMParser().parseFromString(text, "text/html");
        document.title = page.title;
        document.querySelector("main").replaceWith(page.querySelector("main"));
        window.scrollTo(0, 0);
        wire();
      })
      .catch(() => say("网络不通，请稍后再试。"));
  }

  function ask(question) {
    history.pushState({ question }, "", "/");
    show(question);
  }

  function locate(event) {
    event.preventDefault();
    if (!("geolocation" in navigator)) {
      say("这个浏览器读不到位置（网页需要 https）。请在下面输入地点。");
      return;
    }
    say("正在定位…");
    navigator.geolocation.getCurrentPosition(
      (position) => {
        const fields = new URLSearchParams(new FormData(document.getElementById("search")));
        fields.delete("place");
        fields.set("lon", position.coords.longitude.toFixed(6));
        fields.set("lat", position.coords.latitude.toFixed(6));
        ask(fields.toString());
      },
      (error) => {
        say(FAILURES[error.code] || FAILURES[2]);
        document.getElementById("place").focus();
      },
      { enableHighAccuracy: true, timeout: 10000, maximumAge: 30000 }
    );
  }

  function wire() {
    const form = document.getElementById("locate");
    const hint = document.getElementById("no-script");
    if (hint) { hint.remove(); }
    if (form) {
      form.hidden = false;
      form.addEventListener("submit", locate);
    }
    const again = document.querySelector("form.again");
    if (again) {
      again.addEventListener("submit", (event) => {
        event.preventDefault();
        ask(new URLSearchParams(new FormData(again)).toString());
      });
    }
  }

  window.addEventListener("popstate", (event) => {
    if (event.state && event.state.question) { show(event.state.question); } else { location.reload(); }
  });
  wire();
  if (history.state && history.state.question) { show(history.state.question); }
})();
