// The one script of these pages. Without it everything works too; with it, changes need no new page, and numbers move.
"use strict";

const main = () => document.getElementById("main");

/** Puts the `main` of a reply in the place of ours. */
function take(text, url) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const place = fresh.getElementById("main");
  if (!place) { location.assign(url); return; }
  document.title = fresh.title;
  main().replaceWith(document.adoptNode(place));
  if (url) { history.replaceState(null, "", url.replace(/[?&]done=1$/, "")); }
}

/** Sends a form, and shows what comes back. */
async function send(form, button) {
  const body = new URLSearchParams(new FormData(form));
  if (button && button.name) { body.append(button.name, button.value); }
  form.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(form.action, {
      method: "POST", body, headers: { "x-csrf": body.get("csrf") ?? "" }, credentials: "same-origin",
    });
    take(await reply.text(), reply.redirected ? reply.url : "");
    main().focus({ preventScroll: reply.ok });
  } catch {
    form.removeAttribute("aria-busy");
    form.submit();
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") { return; }
  if (form.dataset.sure && !confirm(form.dataset.sure)) { event.preventDefault(); return; }
  if ("full" in form.dataset) { return; }
  event.preventDefault();
  if (form.getAttribute("aria-busy") !== "true") { send(form, event.submitter); }
});

/** Loads the page anew where nobody is typing. */
async function renew() {
  const busy = document.activeElement?.closest("form, details, dialog");
  if (busy || document.querySelector("[aria-busy=true]")) { return; }
  const reply = await fetch(location.href, { credentials: "same-origin" });
  if (reply.ok && !reply.redirected) { take(await reply.text(), ""); }
}

function moved(event) {
  const { stamp, text, value } = JSON.parse(event.data);
  for (const place of document.querySelectorAll("[data-live]")) {
    const now = text[place.dataset.live];
    if (now !== undefined && place.textContent !== now) { place.textContent = now; }
  }
  for (const bar of document.querySelectorAll("[data-value]")) {
    const now = value[bar.dataset.value];
    if (now !== undefined) { bar.value = now; }
  }
  const ours = main().dataset.stamp;
  if (ours && ours !== stamp) { renew(); }
}

if (document.querySelector("[data-live]")) {
  let source;
  const listen = () => {
    source?.close();
    if (document.hidden) { return; }
    source = new EventSource("/admin/live");
    source.onmessage = moved;
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}
