// Opens a page in Chromium: light, dark, and as wide as a phone. Nothing may be said on its console,
// nothing loaded from anywhere, nothing wider than the screen; screenshots stay in FOLDER.
//
//     node open.mjs NODE_MODULES PAGE FOLDER
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, page, folder] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(modules + "/x"))("playwright-core");
let count = 0, failed = 0;

function check(name, good, shown = "") {
    count++;
    failed += !good;
    console.log(`${good ? "ok" : "not ok"} ${count} - ${name}`);
    if (!good) console.log(String(shown).replace(/^/gm, "# "));
}

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
});
mkdirSync(folder, { recursive: true });

async function view(name, options, look) {
    const context = await browser.newContext(options);
    const tab = await context.newPage();
    const said = [], asked = [];
    tab.on("console", (message) => said.push(message.text()));
    tab.on("pageerror", (error) => said.push(String(error)));
    tab.on("dialog", (dialog) => { said.push("dialog " + dialog.message()); dialog.dismiss(); });
    tab.on("request", (request) => asked.push(request.url()));
    await tab.goto(pathToFileURL(page).href);
    await tab.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
    await tab.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    check(`${name}: nothing is said on the console`, said.length === 0, said.join("\n"));
    check(`${name}: nothing is loaded`, asked.filter((u) => !u.startsWith("data:")).length === 1,
        asked.join("\n"));
    const wide = await tab.evaluate(() => [...document.querySelectorAll("body *")]
        .filter((e) => !e.closest(".scroll, .chart, pre") &&
                e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
        .map((e) => e.outerHTML.slice(0, 120)));
    check(`${name}: nothing is wider than the screen`, wide.length === 0, wide.join("\n"));
    await look(tab);
    await context.close();
}

const luminance = (tab) => tab.evaluate(() => {
    const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
});

await view("light", { colorScheme: "light", viewport: { width: 1280, height: 900 } }, async (tab) => {
    check("light: the page is light", await luminance(tab) > 200);
    const sections = await tab.evaluate(() => [...document.querySelectorAll("h2")].map((h) => h.id));
    check("failures come first", sections[0] === "failures", sections.join(" "));
    for (const section of (process.env.SECTIONS ?? "").split(" ").filter(Boolean))
        check(`there is a section "${section}"`, sections.includes(section), sections.join(" "));
    const scripts = await tab.evaluate(() => document.querySelectorAll("script, img, b > i").length);
    check("what services and suites say is no markup", scripts === 0);
    const empty = await tab.evaluate(() => [...document.querySelectorAll("svg")]
        .filter((s) => s.querySelectorAll("path, rect").length < 2 || /NaN|inf/.test(s.outerHTML)).length);
    check("every chart has something to show", empty === 0);
});
await view("dark", { colorScheme: "dark", viewport: { width: 1280, height: 900 } }, async (tab) => {
    check("dark: the page is dark", await luminance(tab) < 60);
});
await view("phone", { viewport: { width: 380, height: 800 }, deviceScaleFactor: 2, isMobile: true,
                      hasTouch: true }, async (tab) => {
    const small = await tab.evaluate(() => [...document.querySelectorAll("p, td, li, summary")]
        .filter((e) => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 12).length);
    check("phone: text can be read", small === 0);
});
await browser.close();
const text = readFileSync(page, "utf8");
check("no address is asked for", !/(src|href)\s*=\s*["']?(https?:)?\/\//.test(text));
check("the file is no larger than 5 MB", statSync(page).size <= 5 << 20, statSync(page).size);
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
