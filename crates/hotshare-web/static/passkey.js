// Passkeys: a question from here, the browser's answer to it, and back. Only on pages where one can be made or used.
"use strict";

// The style shows by this what a browser can do; without a script it shows neither.
const knows = "PublicKeyCredential" in window && "parseCreationOptionsFromJSON" in PublicKeyCredential;
document.documentElement.dataset.passkeys = knows ? "yes" : "no";

/** What the browser, and whoever sits before it, says to a question. */
function answer(question, makes) {
  if (makes) {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(question);
    return navigator.credentials.create({ publicKey });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
}

/** Asks for a question (POST), and brings the answer (PUT). Says what to read if it was a no. */
async function come(form) {
  const fields = Object.fromEntries(new FormData(form));
  const send = async (method, body) => {
    const headers = { "content-type": "application/json", "x-csrf": fields.csrf ?? "" };
    const reply = await fetch(form.action, { method, headers, credentials: "same-origin", body: JSON.stringify(body) });
    return [reply.ok, await reply.json()];
  };
  const [asked, question] = await send("POST", { name: fields.name ?? "" });
  if (!asked) { return question.say; }
  const [isIn, told] = await send("PUT", await answer(question, form.dataset.passkey === "make"));
  if (!isIn) { return told.say; }
  location.assign(told.to);
  return "";
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("passkey" in form.dataset)) { return; }
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") { return; }
  const says = form.querySelector("[role=alert]");
  form.setAttribute("aria-busy", "true");
  says.textContent = "";
  try {
    says.textContent = await come(form);
  } catch (error) {
    // The device has one of ours already, or it was called off, or took too long.
    says.textContent = error.name === "InvalidStateError" ? form.dataset.there : form.dataset.not;
  }
  form.removeAttribute("aria-busy");
});
