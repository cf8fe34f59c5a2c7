// Asks the phone for its position and sends it in the body of one request.
(function () {
  "use strict";
  const form = document.getElementById("locate");
  const search = document.getElementById("search");
  const status = document.getElementById("locate-status");
  if (!form || !search) { return; }
  form.hidden = false;
  const hint = document.getElementById("no-script");
  if (hint) { hint.remove(); }

  const FAILURES = {
    1: "没有位置权限。可以在浏览器设置里允许，或者在下面输入地点。",
    2: "手机现在定不了位。请到开阔处再试，或者在下面输入地点。",
    3: "定位用时太久。请再试一次，或者在下面输入地点。",
  };

  function carryFilters() {
    form.querySelectorAll("[data-carried]").forEach((field) => field.remove());
    for (const [name, value] of new FormData(search)) {
      if (name === "place") { continue; }
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = value;
      field.dataset.carried = "";
      form.append(field);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!("geolocation" in navigator)) {
      status.textContent = "这个浏览器读不到位置（网页需要 https）。请在下面输入地点。";
      return;
    }
    status.textContent = "正在定位…";
    navigator.geolocation.getCurrentPosition(
      (position) => {
        form.elements.lon.value = position.coords.longitude.toFixed(6);
        form.elements.lat.value = position.coords.latitude.toFixed(6);
        carryFilters();
        form.submit();
      },
      (error) => {
        status.textContent = FAILURES[error.code] || FAILURES[2];
        document.getElementById("place").focus();
      },
      { enableHighAccuracy: true, timeout: 10000, maximumAge: 30000 }
    );
  });
})();
