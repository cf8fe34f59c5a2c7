// A station's page: share, copy, print; and what WeChat blocks is not offered there.
(function () {
  "use strict";

  const said = JSON.parse(document.getElementById("words").textContent);
  const at = (id) => document.getElementById(id);

  function tell(text) { at("status").textContent = text; }

  // The old way still works where the new one is refused (no https, WeChat).
  function copyOld(text) {
    const box = document.createElement("textarea");
    box.value = text;
    box.setAttribute("readonly", "");
    box.className = "unseen";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }

  function copy(text) {
    const old = () => tell(copyOld(text) ? said.copied : said.copy_failed);
    if (!navigator.clipboard) { old(); return; }
    navigator.clipboard.writeText(text).then(() => tell(said.copied), old);
  }

  const inWeChat = /MicroMessenger/i.test(navigator.userAgent);
  document.querySelectorAll(".apps").forEach((part) => { part.hidden = inWeChat; });
  document.querySelectorAll(".in-wechat").forEach((part) => { part.hidden = !inWeChat; });
  at("share").hidden = !navigator.share;
  at("share").addEventListener("click", () => {
    navigator.share({ title: document.title, url: location.href }).catch(() => undefined);
  });
  at("copy-address").addEventListener("click", (event) => copy(event.currentTarget.dataset.text));
  at("copy-link").addEventListener("click", () => copy(location.href));
  at("print").addEventListener("click", () => window.print());
})();
