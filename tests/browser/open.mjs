// Opens pages in Chromium: light, dark, and as wide as a phone. Nothing may be said on its console,
// nothing loaded from anywhere, nothing wider than the screen; screenshots stay in FOLDER. The
// sections of a page, blanks between them, are in their order the first on it.
//
//     node open.mjs NODE_MODULES FOLDER PAGE MEGABYTES SECTIONS [PAGE MEGABYTES SECTIONS]…
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, folder, ...pages] = process.argv.slice(2);
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

async function view(page, name, options, look) {
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

async function open(page, megabytes, expected) {
    const base = basename(page, ".html");
    await view(page, `${base}, light`, { colorScheme: "light", viewport: { width: 1280, height: 900 } }, async (tab) => {
        check(`${base}, light: the page is light`, await luminance(tab) > 200);
        const sections = await tab.evaluate(() => [...document.querySelectorAll("h2")].map((h) => h.id));
        check(`${base}: what matters most comes first`, sections[0] === expected[0], sections.join(" "));
        for (const section of expected)
            check(`${base}: there is a section "${section}"`, sections.includes(section), sections.join(" "));
        const scripts = await tab.evaluate(() => document.querySelectorAll("script, img, b > i").length);
        check(`${base}: what services and suites say is no markup`, scripts === 0);
        const empty = await tab.evaluate(() => [...document.querySelectorAll("svg")]
            .filter((s) => s.querySelectorAll("path, rect").length < 2 || /NaN|inf/.test(s.outerHTML)).length);
        check(`${base}: every chart has something to show`, empty === 0);
    });
    await view(page, `${base}, dark`, { colorScheme: "dark", viewport: { width: 1280, height: 900 } }, async (tab) => {
        check(`${base}, dark: the page is dark`, await luminance(tab) < 60);
    });
    await view(page, `${base}, phone`, { viewport: { width: 380, height: 800 }, deviceScaleFactor: 2, isMobile: true,
                                         hasTouch: true }, async (tab) => {
        const small = await tab.evaluate(() => [...document.querySelectorAll("p, td, li, summary")]
            .filter((e) => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 12).length);
        check(`${base}, phone: text can be read`, small === 0);
    });
    const text = readFileSync(page, "utf8");
    check(`${base}: no address is asked for`, !/(src|href)\s*=\s*["']?(https?:)?\/\//.test(text));
    check(`${base}: the file is no larger than ${megabytes} MB`, statSync(page).size <= megabytes * 1e6,
        statSync(page).size);
}

for (let i = 0; i < pages.length; i += 3)
    await open(pages[i], Number(pages[i + 1]), pages[i + 2].split(" "));
await browser.close();
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
