// Uses the laboratory's pages in Chromium: `node test.cjs FOLDER`, where FOLDER holds them as `page` and takes pictures.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const puppeteer = require("puppeteer-core");

const place = path.resolve(process.argv[2]);
const file = (name, address) => `file://${place}/page/${name}${address ? "#" + address : ""}`;
const PATIENCE = 120_000; // milliseconds, on a machine with much else to do
// Learns fast: a browser in a test has little time.
const SMALL = "dataset=8gaussians&dim=32&batch=64&lr=1e-3";

async function main() {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"],
    protocolTimeout: 2 * PATIENCE,
  });
  try {
    const page = await browser.newPage();
    const complaints = [], requests = [];
    page.on("console", (message) => ["error", "warn"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
    page.setDefaultTimeout(PATIENCE);
    await training(page);
    await tape(page);
    await links(page);
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests.filter((url) => !/^(file|data|blob):/.test(url)), [], "nothing is fetched");
  } finally {
    await browser.close();
  }
}

// What the page shows beside the picture.
const numbers = (page) => page.$$eval("#numbers div", (rows) => Object.fromEntries(rows.map((row) => [row.querySelector("dt").textContent, row.dataset.value])));
const until = (page, name, test) => page.waitForFunction((name, test) => {
  const row = [...document.querySelectorAll("#numbers div")].find((row) => row.querySelector("dt").textContent === name);
  return row && new Function("value", `return ${test}`)(row.dataset.value);
}, { polling: 50 }, name, test);
const sentences = (page) => page.$eval("#sentences", (element) => element.textContent);
const address = (page) => page.evaluate(() => location.hash.slice(1));

async function open(page, name, address, { width = 1400, height = 900, dark = false, touch = false } = {}) {
  await page.setViewport({ width, height, deviceScaleFactor: touch ? 2 : 1, hasTouch: touch, isMobile: touch });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await page.goto("about:blank");
  await page.goto(file(name, address));
  await page.waitForFunction((name) => document.querySelector(name === "index.html" ? "#numbers div" : "#tape svg"), {}, name);
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(inner <= outer, `${name} is ${inner} pixels wide in a window of ${outer}`);
}

async function picture(page, name) {
  await page.screenshot({ path: path.join(place, `${name}.png`), fullPage: true });
}

async function training(page) {
  await open(page, "index.html", SMALL);
  const before = await numbers(page);
  assert.equal(before["generator updates"], "0");

  await page.click("#critic");
  await until(page, "critic updates", "value == 1");
  await page.click("#generator");
  await until(page, "generator updates", "value == 1");
  await page.keyboard.press("Tab"); // away from the button, which the space bar would press
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("c");
  await until(page, "critic updates", "value > 1");

  await page.keyboard.press("Space");
  await until(page, "modes", "value == '8 of 8'");
  await page.keyboard.press("Space");
  assert.equal(await page.$eval("#play", (button) => button.textContent), "play");
  const after = await numbers(page);
  assert.ok(Number(after["exact distance"]) < Number(before["exact distance"]) / 2, JSON.stringify([before, after]));
  assert.match(await sentences(page), /of 8 modes have a point/);
  console.log(`all modes found after ${after["generator updates"]} updates of the generator`);
  await picture(page, "training");

  // The address holds the settings, and a mistake gets the program's sentence.
  await page.select("#lipschitz", "clip");
  await page.waitForFunction(() => location.hash.includes("lipschitz=clip"));
  await page.$eval("#clip", (field) => { field.value = "-1"; field.onchange(); });
  await page.waitForFunction(() => document.querySelector("#sentences").textContent.includes("clip = -1 is not possible"));
  for (const name of await page.$$eval("#lipschitz option", (options) => options.map((option) => option.value))) {
    await open(page, "index.html", `${SMALL}&lipschitz=${name}`);
    await page.click("#play");
    await until(page, "generator updates", "value >= 3");
  }
  for (const button of await page.$$("#presets button")) {
    const claimed = await button.evaluate((button) => button.dataset.address);
    await button.click();
    await page.waitForFunction((claimed) => location.hash.slice(1) === claimed, {}, claimed);
    await page.waitForSelector("#sentences .claim");
  }
  await open(page, "index.html", `${SMALL}&lipschitz=none&lr=1e-2`);
  await page.click("#play");
  await page.waitForFunction(() => /nothing bounds it|has run away/.test(document.querySelector("#sentences").textContent));

  // How smooth it is; reported, since a machine under test is no measure.
  await open(page, "index.html", "dataset=8gaussians");
  await page.click("#play");
  await until(page, "generator updates", "value >= 20");
  const [frames, steps] = await page.evaluate(() => new Promise((resolve) => {
    let frames = 0;
    const updates = () => Number(document.querySelectorAll("#numbers dd")[0].textContent);
    const [start, first] = [performance.now(), updates()];
    const count = (now) => now - start < 3000 ? (frames += 1, requestAnimationFrame(count)) : resolve([frames / 3, (updates() - first) / 3]);
    requestAnimationFrame(count);
  }));
  console.log(`3 × 64, batch 128: ${frames.toFixed(0)} frames and ${steps.toFixed(0)} iterations a second`);

  await open(page, "index.html", SMALL, { dark: true });
  await page.click("#play");
  await until(page, "generator updates", "value >= 60");
  await page.click("#play");
  await picture(page, "training-dark");

  // Points drawn by hand, on a phone.
  await open(page, "index.html", SMALL.replace("8gaussians", "drawn"), { width: 390, height: 844, touch: true });
  const box = await (await page.$("#picture")).boundingBox();
  for (const [x, y] of [[0.3, 0.3], [0.7, 0.3], [0.5, 0.7]]) {
    await page.touchscreen.tap(box.x + x * box.width, box.y + y * box.height);
    await page.waitForFunction((count) => location.hash.includes("drawn=") && location.hash.split("drawn=")[1].split(",").length === count, {},
      2 * (1 + [0.3, 0.7, 0.5].indexOf(x)));
  }
  await page.tap("#play");
  await until(page, "modes", "value == '3 of 3'");
  await page.tap("#play");
  assert.match(await address(page), /drawn=-?\d+,/);
  await picture(page, "training-phone");
}

async function tape(page) {
  const boxes = () => page.$$eval("#tape svg rect", (boxes) => boxes.length);
  await open(page, "tape.html");
  const recorded = await boxes();
  await page.click("#gradient-x");
  await page.waitForFunction((before) => document.querySelectorAll("#tape svg rect").length > before, {}, recorded);
  const slope = await boxes();
  await page.click("#gradient-x");
  await page.waitForFunction((before) => document.querySelectorAll("#tape svg rect").length > before, {}, slope);
  const values = await page.$eval("#values", (list) => list.textContent);
  // At (1, 1/2): tanh(1/2) + 1, y·(1 − tanh²) + 2x, and −2y²·tanh·(1 − tanh²) + 2.
  for (const value of ["f = 1.46212", "∂f/∂x = 2.39322", "∂²f/∂x∂x = 1.81828"]) assert.ok(values.includes(value), values);
  await page.click("#compile");
  await page.waitForFunction(() => document.querySelectorAll("#passes svg").length === 4);
  assert.deepEqual(await page.$$eval("#passes h2", (heads) => heads.map((head) => head.textContent.split(":")[0])), ["prune", "simplify", "fuse", "plan"]);
  await picture(page, "tape");
  await page.click("#undo");
  await page.waitForFunction((boxes) => document.querySelectorAll("#tape svg rect").length === boxes, {}, slope);
  await page.$eval("#formula", (field) => { field.value = "tan(x)"; });
  await page.click("#form button");
  await page.waitForSelector("#error:not([hidden])");
  assert.match(await page.$eval("#error", (line) => line.textContent), /there is no "tan"/);
  await open(page, "tape.html", "f=sqrt(x^2 %2B y^2)&by=xy", { width: 390, height: 844, touch: true, dark: true });
  await picture(page, "tape-phone-dark");
}

// The guide's page of the laboratory links situations and formulas: all are possible.
async function links(page) {
  const guide = fs.readFileSync(path.join(__dirname, "../laboratory.md"), "utf8");
  const addresses = [...guide.matchAll(/\(lab\/page\/(\w+\.html)#([^)]+)\)/g)].map(([, name, address]) => [name, address]);
  assert.ok(addresses.length > 10);
  for (const [name, address] of addresses) {
    await open(page, name, address);
    assert.equal(await page.$(name === "index.html" ? "#sentences .warning" : "#error:not([hidden])"), null, address);
  }
}

main().then(() => console.log("ok: the laboratory works"), (error) => {
  console.error(error);
  process.exit(1);
});
