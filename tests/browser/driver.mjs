// Drives one Chromium for the tests in crates/hotshare/tests/browser_*.rs: a request a line on stdin, a reply a line
// on stdout. What is to happen, and what is right, is said there; here is only how a browser is told.
//
// Runs in the folder where `npm ci` was run, inside the network namespace of the device that it is.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { audit } from "./audit.mjs";

const load = createRequire(join(process.cwd(), "package.json"));
const { chromium } = load("playwright-core");
const axe = load("axe-core").source;

const SCREENS = join(process.cwd(), "screens");
const PATIENCE = 10_000;

// It talks to nobody but whom a page names: what it asked for by itself would be counted as the phone's.
const QUIET = [
  "--no-sandbox", // the tests are root, and root has no sandbox
  "--no-first-run",
  "--no-proxy-server",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-sync",
  "--disable-quic",
  "--disable-gpu",
];

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: QUIET });
const pages = new Map();
let remembered;

/** A new window, as somebody with this language, screen and taste has it; with the cookies that were remembered. */
async function open({ page: number, language, width, dark, scripts }) {
  const context = await browser.newContext({
    locale: language,
    viewport: { width, height: width < 600 ? 740 : 800 },
    colorScheme: dark ? "dark" : "light",
    javaScriptEnabled: scripts,
    reducedMotion: "reduce",
    storageState: remembered,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const seen = { page, scripts, asked: new Set(), faults: [], latest: null };
  page.on("request", (request) => seen.asked.add(new URL(request.url()).host));
  page.on("pageerror", (error) => seen.faults.push(String(error)));
  page.on("console", (said) => {
    // That a page or a reply of a form is a refusal is an answer; of what a page is made of, it is looked at below.
    const isRefusal = said.text().startsWith("Failed to load resource");
    if (said.type() === "error" && !isRefusal) seen.faults.push(said.text());
  });
  page.on("response", (response) => {
    const request = response.request();
    if (request.isNavigationRequest() && response.frame() === page.mainFrame()) seen.latest = response;
    const isPart = ["stylesheet", "script", "image", "font"].includes(request.resourceType());
    if (isPart && response.status() >= 400) seen.faults.push(`${response.status()} for ${request.url()}`);
  });
  pages.set(number, seen);
}

/** Goes somewhere. `millis`: from the request until the first byte of the answer, on the browser's clock. */
async function visit({ page: number, url }) {
  const seen = pages.get(number);
  seen.latest = null;
  try {
    await seen.page.goto(url, { waitUntil: "load" });
  } catch (error) {
    // An answer without a page (204) is no page to go to, yet an answer.
    if (!seen.latest) throw error;
  }
  return where({ page: number });
}

async function where({ page: number }) {
  const { page, latest } = pages.get(number);
  const timing = latest?.request().timing();
  return {
    url: page.url(),
    title: await page.title(),
    status: latest?.status() ?? 0,
    millis: timing ? timing.responseStart - timing.requestStart : 0,
  };
}

const locator = ({ page, css }) => pages.get(page).page.locator(css).first();

const verbs = {
  open,
  visit,
  where,
  reload: async ({ page }) => {
    await pages.get(page).page.reload();
    return where({ page });
  },
  text: (ask) => locator(ask).innerText(),
  count: ({ page, css }) => pages.get(page).page.locator(css).count(),
  attribute: (ask) => locator(ask).getAttribute(ask.name),
  click: (ask) => locator(ask).click(),
  /** Clicks on what is saved and not shown, and reads it. */
  download: async (ask) => {
    const saved = pages.get(ask.page).page.waitForEvent("download");
    await locator(ask).click();
    return readFileSync(await (await saved).path(), "utf8");
  },
  press: ({ page, key }) => pages.get(page).page.keyboard.press(key),
  fill: (ask) => locator(ask).fill(ask.value),
  choose: (ask) => locator(ask).selectOption(ask.value),
  /** Waits until an element says a text, and for how long. */
  sees: async (ask) => {
    const start = performance.now();
    const wanted = pages.get(ask.page).page.locator(ask.css, { hasText: ask.text }).first();
    try {
      await wanted.waitFor({ timeout: ask.patience });
    } catch {
      const says = await locator({ page: ask.page, css: "body" }).innerText();
      throw new Error(`${ask.css} does not say “${ask.text}” within ${ask.patience} ms; the page says:\n${says}`);
    }
    return performance.now() - start;
  },
  shot: async ({ page, css, name }) => {
    const path = join(SCREENS, `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    if (css) await locator({ page, css }).screenshot({ path });
    else await pages.get(page).page.screenshot({ path, fullPage: true });
    return path;
  },
  audit: ({ page }) => audit(pages.get(page), axe),
  remember: async ({ page }) => {
    remembered = await pages.get(page).page.context().storageState();
  },
  /** Says yes or no to the questions of a page's script. */
  answer: ({ page, yes }) => {
    pages.get(page).page.on("dialog", (dialog) => (yes ? dialog.accept() : dialog.dismiss()));
  },
  /**
   * Gives the window a device of its own that holds passkeys, whose owner is always there and is verified. What it is
   * asked for is then answered by it, as long as the window is open.
   */
  authenticator: async ({ page: number }) => {
    const { page } = pages.get(number);
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    const options = {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    };
    await session.send("WebAuthn.addVirtualAuthenticator", { options });
  },
  close: async ({ page }) => {
    await pages.get(page).page.context().close();
    pages.delete(page);
  },
};

/** What was there when something failed. */
async function picture(number) {
  const path = join(SCREENS, `failed-${process.pid}-${number}.png`);
  await pages.get(number)?.page.screenshot({ path, timeout: 2_000 }).catch(() => {});
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...ask } = JSON.parse(line);
  let reply;
  try {
    reply = { done: (await verbs[verb](ask)) ?? null };
  } catch (error) {
    reply = { fault: error.message };
    await picture(ask.page);
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await browser.close();
