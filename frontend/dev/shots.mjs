// Pictures of every view, to look at: npm run shots. BASE_URL, TOKEN and OUT come from the environment.

import { mkdirSync } from "node:fs";
import { openBrowser } from "../e2e/browser.mjs";

const BASE = process.env.BASE_URL ?? "http://127.0.0.1:8000";
const TOKEN = process.env.TOKEN ?? "dev";
const OUT = process.env.OUT ?? "shots";
const ONLY = process.argv[2];

const VIEWS = [
  ["overview", "#/overview"],
  ["sensors", "#/sensors?line=Line_A"],
  ["sensor", "#/sensors?line=Line_B&sensor=Line_B.cooling_rate"],
  ["predictions", "#/predictions?line=Line_B"],
  ["predictions-day", "#/predictions?line=Line_B&range=24h&ahead=4h"],
  ["predictions-calm", "#/predictions?line=Line_A&ahead=24h"],
  ["inspection", "#/inspection"],
  ["inspection-differ", "#/inspection?show=differ&line=Line_A"],
  ["alerts", "#/alerts"],
  ["alerts-all", "#/alerts?show=all&range=24h"],
  ["investigate", null],
  ["graph", "#/graph"],
  ["graph-defect", "#/graph?node=defect:crack"],
  ["graph-edge", "#/graph?edge=0"],
  ["models", "#/models"],
  ["models-version", "#/models?version=forecaster/1.1.0"],
  ["models-inspector", "#/models?version=inspector/0.9.0"],
  ["sql", "#/sql"],
  ["settings", "#/settings"],
];
const SCREENS = [
  ["desk", 1440, 900],
  ["phone", 390, 844],
];

mkdirSync(OUT, { recursive: true });
const browser = await openBrowser();
for (const [screen, width, height] of SCREENS) {
  for (const theme of ["dark", "light"]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
    const page = await context.newPage();
    page.on("console", (entry) => entry.type() === "error" && console.log(`${screen} ${theme}: ${entry.text()}`));
    page.on("pageerror", (error) => console.log(`${screen} ${theme}: ${error.message}`));
    await page.goto(`${BASE}/?token=${TOKEN}`);
    await page.waitForSelector(".cards");
    for (const [name, hash] of VIEWS) {
      if (ONLY && !name.startsWith(ONLY)) continue;
      if (hash !== null) await page.evaluate((next) => (location.hash = next), hash);
      else {
        await page.evaluate(() => (location.hash = "#/alerts"));
        await page.locator(".table-row").first().click({ position: { x: 120, y: 20 } });
      }
      if (name === "sql") {
        await page.waitForSelector(".sql-editor textarea");
        await page.getByRole("button", { name: "Run" }).click();
      }
      await page.waitForTimeout(900);
      await page.screenshot({ path: `${OUT}/${name}-${screen}-${theme}.png`, fullPage: screen === "phone" });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) console.log(`${name} ${screen}: ${overflow} px too wide`);
    }
    await context.close();
  }
}
await browser.close();
