// The dashboard against a running server with the simulated plant:
//
//   BASE_URL=http://127.0.0.1:8000 TOKEN=… npm run e2e
//
// TOKEN needs the role engineer (faults are injected). Waits are bounded by WAIT_MS; run the plant faster than the
// wall clock (`--speed 60`), so that faults lead to alerts and defects in that time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const BASE = (process.env.BASE_URL ?? "http://127.0.0.1:8000").replace(/\/$/, "");
const TOKEN = process.env.TOKEN ?? "dev";
const WAIT_MS = Number(process.env.WAIT_MS ?? 240_000);
/** A line that stops is alerted at once; fast cooling cracks ware, which root causes explain. */
const STOP = process.env.STOP_FAULT ?? "line_stop:Line_C@0s+10m";
const CRACK = process.env.CRACK_FAULT ?? "cooling_fast:Line_B@0s+60m";

let browser;
let page;
const mistakes = [];

async function api(method, path, body) {
  const response = await fetch(`${BASE}/api/${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
  return response.json();
}

async function eventually(what, probe) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert.ok(Date.now() < end, `${what} did not happen within ${WAIT_MS} ms`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

const go = (hash) => page.evaluate((next) => (location.hash = next), hash);

before(async () => {
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("pageerror", (error) => mistakes.push(error.message));
  await api("POST", "faults", { fault: CRACK });
});

after(async () => {
  await browser?.close();
});

test("without a token the page says how to get in", async () => {
  const context = await browser.newContext();
  const fresh = await context.newPage();
  await fresh.goto(BASE);
  await fresh.getByText("Sign in with your link").waitFor();
  await context.close();
});

test("the link signs in, and the token leaves the address", async () => {
  await page.goto(`${BASE}/?token=${TOKEN}#/overview?range=1h`);
  await page.locator(".cards").waitFor();
  assert.ok(!page.url().includes("token"), page.url());
  assert.ok(page.url().endsWith("#/overview?range=1h"), page.url());
  await page.reload();
  await page.locator(".cards").waitFor();
});

test("six cards show numbers", async () => {
  const cards = page.locator("[data-testid^=card-]");
  await eventually("the cards", async () => {
    const texts = await cards.allInnerTexts();
    return texts.length === 6 && texts.filter((text) => /\d/.test(text)).length >= 4;
  });
  const critical = await page.locator("[data-testid=card-critical_alerts]").innerText();
  assert.match(critical, /\d+\s*$/);
});

test("sensors: 22 of a line, with values that change", async () => {
  await go("#/sensors?line=Line_A");
  const rows = page.locator(".sensor-row");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 22);
  const values = () => page.locator(".sensor-row [data-testid=value]").allInnerTexts();
  const first = await values();
  assert.ok(first.filter((text) => /\d/.test(text)).length >= 20, first.join(" "));
  await eventually("a change of values", async () => JSON.stringify(await values()) !== JSON.stringify(first));
});

test("a sensor opens large, in the address, and back closes it", async () => {
  await page.locator(".sensor-name").first().click();
  await page.locator(".sensor-detail .uplot canvas").waitFor();
  assert.match(page.url(), /sensor=Line_A\./);
  await page.goBack();
  await page.locator(".sensor-detail").waitFor({ state: "detached" });
});

test("the twin shows the line and answers what-if in place", async () => {
  await eventually("a closed minute", async () => (await api("GET", "digital-twin/shadow-state?line=Line_A")).lines.length === 1);
  await go("#/twin?line=Line_A");
  await page.locator(".stages .stage").first().waitFor();
  assert.equal(await page.locator(".stages .stage").count(), 4);
  await page.getByLabel("Belt speed, m/min").last().fill("140");
  const rate = page.locator(".outcome tbody tr", { hasText: "Units per hour" });
  await rate.waitFor();
  assert.match(await rate.locator("td").nth(2).innerText(), /^\u2212\d/, "a slower belt makes fewer units");
  await page.getByLabel("Furnace temperature, °C").last().fill("1620");
  await page.getByLabel("What would be alarmed").check();
  await page.locator(".alarmed li", { hasText: "above its safe limit" }).waitFor();
  await page.getByPlaceholder("Name").fill("hot and slow");
  await page.getByRole("button", { name: "Keep this scenario" }).click();
  const kept = page.locator(".kept tbody tr", { hasText: "hot and slow" });
  await kept.waitFor();
  await eventually("the kept scenario's answer", async () => /\+\d+\.\d+ pp/.test((await kept.innerText()).replaceAll("\u202f", " ")));
  await kept.getByRole("button", { name: "Remove" }).click();
  await kept.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "To the first failure" }).click();
  await page.locator(".what-if-answer", { hasText: /First failure|Nothing fails/ }).waitFor();
  await page.getByRole("button", { name: "As now" }).click();
  await page.getByText("No set-point was moved yet.").waitFor();
});

test("a change is proposed from what-if, appears in the list and is approved", async () => {
  await go("#/twin?line=Line_A");
  await page.getByLabel("Belt speed, m/min").last().fill("141");
  const reason = `trial ${Date.now()}`;
  await page.getByPlaceholder("Why this change").fill(reason);
  await page.getByRole("button", { name: "Propose this change" }).click();
  await page.getByText("Proposed. It waits for a decision.").waitFor();
  await page.getByRole("link", { name: "To the recommendations" }).click();
  const waiting = page.getByRole("region", { name: "Waiting for a decision" }).locator(".proposal", { hasText: reason });
  await waiting.waitFor();
  const figures = (await waiting.innerText()).replaceAll("\u202f", " ");
  assert.match(figures, /Belt speed\s+\d+(\.\d+)?\s+141(\.0)? m\/min/);
  assert.match(figures, /Units per hour\s+\u2212\d.* … /, "a slower belt makes fewer units, within a band");
  await page.getByText("to be carried out by hand.").first().waitFor();
  await waiting.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("go on");
  await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  const decided = page.getByRole("region", { name: "Decided" }).locator(".proposal.approved", { hasText: reason });
  await decided.waitFor();
  assert.match(await decided.innerText(), /go on\s+To be carried out by hand\./);
  assert.equal(await decided.getByRole("button").count(), 0, "what is decided stays decided");
  const { recommendations } = await api("GET", "recommendations?state=approved&line=Line_A");
  assert.ok(recommendations.some((row) => row.reason === reason));
});

test("predictions show what is foretold, or what is to be done first", async () => {
  await go("#/predictions?line=Line_A");
  const cards = page.locator(".outlook-card");
  await cards.or(page.getByRole("link", { name: "To the models" })).first().waitFor();
  if ((await cards.count()) === 0) return;
  assert.equal(await cards.count(), 3);
  for (const text of await cards.allInnerTexts()) assert.match(text, /\d+\s*%/);
  await page.getByTestId("outlook-4h").click();
  await page.getByRole("heading", { name: /Defect event within 4\sh/ }).waitFor();
  assert.match(page.url(), /ahead=4h/);
  await page.getByRole("region", { name: "How it held" }).waitFor();
  await page.getByRole("region", { name: "Sensors to look at" }).waitFor();
});

test("inspection shows pictures and what was found on them, or that there are none", async () => {
  await go("#/inspection");
  const shots = page.locator(".shot");
  await shots.or(page.getByText("No picture yet.")).first().waitFor();
  await page.getByRole("region", { name: "Inspector against MIK-1" }).waitFor();
  if ((await shots.count()) < 2) return;
  await page.locator(".shot img").first().waitFor();
  const still = page.waitForResponse((response) => /inspections\?.*before=/.test(response.url()));
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Go live" }).waitFor();
  assert.match(page.url(), /before=/, "pictures stand still");
  // Lines deliver one after the other: among the pictures of before that time may be some that had not come yet.
  const { inspections } = await (await still).json();
  const listed = inspections.map((inspection) => inspection.unit).join();
  await page.waitForFunction((listed) => [...document.querySelectorAll(".shot")].map((shot) => shot.dataset.unit).join() === listed, listed);
  const unit = () => new URLSearchParams(page.url().split("?")[1]).get("unit");
  const [first, second] = await shots.evaluateAll((all) => all.slice(0, 2).map((shot) => shot.dataset.unit));
  await shots.first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: `Unit ${first}` }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("dialog", { name: `Unit ${second}` }).waitFor();
  assert.equal(unit(), second);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(unit(), null);
  // The picture that was seen last has the focus.
  await page.waitForFunction((second) => document.activeElement?.dataset.unit === second, second);
  await page.getByRole("button", { name: "Go live" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
});

test("models show their versions, or how one is registered; a version has a page", async () => {
  await go("#/models");
  await page.locator(".kind").or(page.getByText("lehr models register FILE")).first().waitFor();
  await page.getByRole("region", { name: "How they hold" }).waitFor();
  await page.getByRole("button", { name: "Start training" }).waitFor();
  const version = page.locator(".version-name a").first();
  if ((await version.count()) === 0) return;
  const name = await version.innerText();
  await version.click();
  await page.getByRole("heading", { name }).first().waitFor();
  await page.getByRole("region", { name: "Test figures" }).waitFor();
  await page.getByRole("link", { name: "All models" }).click();
  await page.locator(".kind").first().waitFor();
});

test("an alert appears after a fault and can be acknowledged", async () => {
  await go("#/alerts");
  await page.locator(".alert-list").waitFor();
  const known = new Set((await api("GET", "alerts")).alerts.map((alert) => alert.alert_id));
  await api("POST", "faults", { fault: STOP });
  const open = (alert) => !known.has(alert.alert_id) && alert.state === "active_unacknowledged";
  const fresh = await eventually("a new alert", async () => (await api("GET", "alerts")).alerts.find(open));
  const row = page.locator(`.table-row[data-key="${fresh.alert_id}"]`);
  await row.waitFor({ timeout: 5_000 });
  await row.getByTestId("acknowledge").click();
  await eventually("the acknowledgement", async () => (await api("GET", `alerts/${fresh.alert_id}`)).alert.acknowledged);
  await row.getByTestId("acknowledge").waitFor({ state: "detached", timeout: 10_000 });
});

test("investigate shows root causes, signals and history", async () => {
  const explained = await eventually("an alert with a root cause", async () => {
    const { alerts } = await api("GET", "alerts");
    for (const alert of alerts.slice(0, 40)) {
      if ((await api("GET", `alerts/${alert.alert_id}`)).root_causes.length > 0) return alert;
    }
    return null;
  });
  await go(`#/alerts?alert=${explained.alert_id}`);
  await page.locator(".investigate .root-cause").first().waitFor();
  const cause = await page.locator(".investigate .root-cause").first().innerText();
  assert.match(cause, /\d+\s*%/);
  assert.match(cause, /σ/);
  await page.locator(".investigate .history li").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".investigate").waitFor({ state: "detached" });
});

test("SQL runs a query, and says what is wrong with a bad one", async () => {
  await go("#/sql");
  const editor = page.getByRole("textbox", { name: "Query" });
  await editor.fill("select sensor_id, value from latest order by sensor_id limit 5");
  await editor.press("Control+Enter");
  await page.getByText(/^\d+ rows in /).waitFor();
  assert.match(await page.locator(".sql-outcome .table-row").first().innerText(), /Line_A\./);
  await editor.fill("selec nothing");
  await editor.press("Control+Enter");
  await page.locator(".sql-error").waitFor();
});

test("the knowledge graph draws nodes; a defect shows its causes", async () => {
  await go("#/graph");
  await page.locator("[data-node]").first().waitFor();
  assert.ok((await page.locator("[data-node]").count()) >= 10);
  await page.locator('[data-node="defect:crack"]').click();
  await page.locator(".graph-side .root-cause, .graph-side .empty").first().waitFor();
  assert.match(page.url(), /node=defect(:|%3A)crack/);
});

test("settings show the role and the rules", async () => {
  await go("#/settings");
  await page.locator(".rule").first().waitFor();
  assert.ok((await page.locator(".rule").count()) >= 10);
});

test("everything is reached by keyboard", async () => {
  await go("#/overview");
  await page.locator(".cards").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("2");
  await page.locator(".sensor-row").first().waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search");
  await page.keyboard.type("belt speed");
  await eventually("the filter", async () => (await page.locator(".sensor-row").count()) === 1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("5");
  await page.locator(".table-row").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator(".investigate").waitFor();
  await page.keyboard.press("Escape");
  const line = await page.evaluate(() => location.hash);
  await page.keyboard.press("]");
  assert.notEqual(await page.evaluate(() => location.hash), line);
  // Rows that change under the focus may take it away; the next Tab brings it back.
  await eventually("a ring around what has the focus", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle === "solid");
  });
});

test("a phone never scrolls sideways", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const hash of ["#/overview", "#/sensors?line=Line_A&sensor=Line_A.belt_speed", "#/predictions?line=Line_A", "#/inspection", "#/alerts", "#/graph", "#/recommendations", "#/models", "#/sql", "#/connections", "#/settings"]) {
    await go(hash);
    await page.locator("main :is(.panel, .cards)").first().waitFor();
    await page.waitForTimeout(300);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${hash} is ${over} px too wide`);
  }
});

test("no script failed on the way", () => {
  assert.deepEqual(mistakes, []);
});
