// What is wrong with any page, whatever it is about. An empty list: nothing.

// WCAG 2.2, levels A and AA, and what axe holds for good practice.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function audit({ page, asked, faults, scripts }, axe) {
  const complaints = faults.map((fault) => `the browser says: ${fault}`);
  const host = new URL(page.url()).host;
  for (const other of asked) {
    if (other !== host) complaints.push(`something of ${other} is loaded`);
  }
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > window) {
    complaints.push(`${wide} pixels wide in a window of ${window}: ${await page.evaluate(widest)}`);
  }
  // axe is a script of many steps, which a window without scripts never takes.
  if (!scripts) return complaints;
  await page.evaluate(axe);
  const found = await page.evaluate(
    (rules) => globalThis.axe.run(document, { runOnly: rules, resultTypes: ["violations"] }),
    RULES,
  );
  for (const { id, help, nodes } of found.violations) {
    const places = nodes.slice(0, 5).map((node) => `  ${node.html}\n    ${node.failureSummary.replaceAll("\n", " ")}`);
    complaints.push(`axe ${id}: ${help}\n${places.join("\n")}`);
  }
  return complaints;
}

/** Runs in the page: what reaches over its right edge. */
function widest() {
  const over = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth);
  return over.map((e) => e.outerHTML.slice(0, 120)).slice(-3).join(" | ");
}
