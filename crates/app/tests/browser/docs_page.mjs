// Opens the API's page in a real browser without internet, and calls the service from it.
//
//   node docs_page.mjs URL TOKEN [SCREENSHOT]
//
// Ends with 0 if the routes are listed and the call is answered with 200, else with 1 and the reason.

import { chromium } from "playwright-core";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PATIENCE_MS = 30_000;

function check(holds, reason) {
  if (!holds) {
    throw new Error(reason);
  }
}

/** Notes what the page asks of other hosts, and all that goes wrong in it. */
async function watch(page, origin) {
  const problems = [];
  await page.route("**/*", (route) => {
    const url = new URL(route.request().url());
    // What the page holds itself goes nowhere.
    if (url.origin === origin || url.protocol === "data:" || url.protocol === "blob:") {
      return route.continue();
    }
    problems.push(`asked another host: ${url}`);
    return route.abort();
  });
  page.on("pageerror", (error) => problems.push(`threw: ${error.message}`));
  page.on("requestfailed", (request) => problems.push(`not loaded: ${request.url()}`));
  page.on("console", (message) => {
    if (message.type() === "error") {
      problems.push(`complained: ${message.text()}`);
    }
  });
  return problems;
}

async function listsRoutes(page, origin) {
  const answer = await fetch(`${origin}/openapi.json`);
  const { paths } = await answer.json();
  const block = page.locator(".opblock");
  await block.first().waitFor();
  const listed = new Set();
  for (const summary of await page.locator(".opblock-summary").all()) {
    const method = await summary.locator(".opblock-summary-method").innerText();
    const path = await summary.locator(".opblock-summary-path").getAttribute("data-path");
    listed.add(`${method.trim().toUpperCase()} ${path}`);
  }
  for (const [path, item] of Object.entries(paths)) {
    for (const method of Object.keys(item)) {
      check(listed.has(`${method.toUpperCase()} ${path}`), `${method.toUpperCase()} ${path} is not listed`);
    }
  }
  return listed.size;
}

async function authorises(page, token) {
  await page.getByRole("button", { name: "Authorize", exact: true }).first().click();
  const dialog = page.locator(".modal-ux");
  await dialog.locator("input").first().fill(token);
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByText("Authorized").first().waitFor();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await dialog.waitFor({ state: "hidden" });
}

/** Opens an operation, executes it, and answers the status that the page shows. */
async function executes(page, id) {
  const operation = page.locator(`[id$="-${id}"].opblock`).first();
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const status = operation.locator(".live-responses-table tbody .response-col_status").first();
  await status.waitFor();
  return (await status.innerText()).trim();
}

async function run(origin, token, screenshot) {
  const browser = await chromium.launch({
    executablePath: BROWSER,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
    page.setDefaultTimeout(PATIENCE_MS);
    const problems = await watch(page, origin);
    const answer = await page.goto(`${origin}/docs`);
    check(answer.status() === 200, `/docs answered ${answer.status()}`);
    const routes = await listsRoutes(page, origin);
    await authorises(page, token);
    const created = await executes(page, "beginConversation");
    check(created.startsWith("200"), `POST /conversation answered ${created}`);
    const listed = await executes(page, "listConversationsWithMessages");
    check(listed.startsWith("200"), `GET /conversation answered ${listed}`);
    if (screenshot) {
      await page.screenshot({ path: screenshot, fullPage: true });
    }
    check(problems.length === 0, `the page ${problems.join("; the page ")}`);
    console.log(`${routes} routes listed, POST and GET /conversation answered 200`);
  } finally {
    await browser.close();
  }
}

const [origin, token, screenshot] = process.argv.slice(2);
if (!origin || !token) {
  console.error("usage: node docs_page.mjs URL TOKEN [SCREENSHOT]");
  process.exit(2);
}
try {
  await run(new URL(origin).origin, token, screenshot);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
