"use strict";
// The explorer's page: sign in, write, run, follow. The token is kept in a variable and nowhere else.

const WORDS = {
  en: {
    title: "explorer", signIn: "Sign in", leave: "Sign out", token: "Access token", useToken: "Use this token", client: "Client ID",
    secret: "Client secret", getToken: "Get a token", frontend: "Client ID of a frontend", asPerson: "Sign in with user ID and password",
    blocked: "The browser did not let the sign-in window open.", waiting: "Sign in in the other window ...", denied: "Nothing was allowed:",
    strange: "An answer came that nobody has asked for.", back: "Signed in. You can close this window.", run: "Run", stop: "Stop", operation: "Operation name", language: "Messages in",
    cost: "Show cost", query: "Operation", variables: "Variables (JSON)", headers: "Further headers (JSON)", search: "Find in the schema",
    signInWhy: "Nothing is shown without an access token. It stays in this page and is forgotten when you close it.",
    signedIn: "Signed in:", notObject: "is not a JSON object", following: "Following: events appear as they happen.",
    stopped: "Stopped.", away: "The server cannot be reached.", running: "Running ...", allTypes: "All types", fields: "Fields",
    inputs: "Input fields", values: "Values", interfaces: "Implements", members: "Possible types", types: "Types", events: "events",
  },
  ja: {
    title: "エクスプローラー", signIn: "サインイン", leave: "サインアウト", token: "アクセストークン", useToken: "このトークンを使う",
    client: "クライアント ID", secret: "クライアントシークレット",
    frontend: "フロントエンドのクライアント ID", asPerson: "ユーザー ID とパスワードでサインイン",
    blocked: "サインインのウィンドウを開けませんでした。", waiting: "別のウィンドウでサインインしてください ...", denied: "許可されませんでした：",
    strange: "要求していない応答が届きました。", back: "サインインしました。このウィンドウは閉じてかまいません。", getToken: "トークンを取得", run: "実行", stop: "停止",
    operation: "操作名", language: "メッセージの言語", cost: "費用を表示", query: "操作", variables: "変数（JSON）",
    headers: "追加のヘッダー（JSON）", search: "スキーマから探す",
    signInWhy: "アクセストークンがないと何も表示されません。トークンはこのページの中だけにあり、閉じると消えます。",
    signedIn: "サインイン中：", notObject: "が JSON のオブジェクトではありません", following: "購読中です。出来事が届きしだい表示します。",
    stopped: "停止しました。", away: "サーバーに接続できません。", running: "実行中 ...", allTypes: "型の一覧", fields: "フィールド",
    inputs: "入力フィールド", values: "値", interfaces: "実装", members: "含まれる型", types: "型", events: "件",
  },
};
const FIRST = `# Ctrl + Enter
query FirstLook {
  viewer { clientId siteId firmName scopes }
  contracts(first: 5) {
    count { value exact }
    edges { node { contractId number amount currency debit { status } } }
  }
}
`;

const part = (id) => document.getElementById(id);
const say = (name) => WORDS[part("language").value][name];
let token = "";
let line = null;

function speak() {
  document.documentElement.lang = part("language").value;
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = say(place.dataset.text);
}

function state(text, wrong) {
  part("state").textContent = text;
  part("state").className = wrong ? "problem" : "";
}

function object(id) {
  const text = part(id).value.trim();
  if (!text) return {};
  let found = null;
  try { found = JSON.parse(text); } catch { /* said below */ }
  if (found === null || typeof found !== "object" || Array.isArray(found)) throw new Error(`${say(id)} ${say("notObject")}`);
  return found;
}

function ask(body, more, accept) {
  const headers = { "content-type": "application/json", accept, authorization: `Bearer ${token}`, "accept-language": part("language").value };
  if (part("cost").checked) headers["graphql-cost"] = "1";
  return fetch("/graphql", { method: "POST", headers: { ...headers, ...more }, body: JSON.stringify(body), credentials: "omit" });
}

async function told(query) {
  const answer = await (await ask({ query }, {}, "application/graphql-response+json")).json();
  if (!answer.data) throw new Error(answer.errors[0].message);
  return answer.data;
}

async function enter(given) {
  token = given.trim();
  part("door-problem").textContent = "";
  const { viewer } = await told("{ viewer { clientId siteId firmName userName } }");
  const { __schema } = await told(INTROSPECTION);
  part("who").textContent = `${say("signedIn")} ${viewer.userName || viewer.firmName || viewer.siteId || viewer.clientId}`;
  part("token").value = part("secret").value = "";
  Schema.take(__schema, part("schema"), WORDS[part("language").value]);
  part("door").hidden = true;
  part("desk").hidden = part("leave").hidden = false;
  part("query").focus();
}

function leave() {
  if (line) line.abort();
  token = "";
  Person.leave();
  part("who").textContent = part("answer").textContent = "";
  state("");
  part("schema").replaceChildren();
  part("door").hidden = false;
  part("desk").hidden = part("leave").hidden = true;
  part("token").focus();
}

async function byClient() {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  const pair = [part("client").value.trim(), part("secret").value].map(encodeURIComponent).join(":");
  const headers = { authorization: `Basic ${btoa(pair)}` };
  const response = await fetch("/oauth/token", { method: "POST", headers, body: form, credentials: "omit" });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error_description || answer.error);
  await enter(answer.access_token);
}

async function run() {
  let body, more;
  try {
    body = { query: part("query").value, variables: object("variables") };
    more = object("headers");
  } catch (wrong) {
    return state(wrong.message, true);
  }
  if (part("operation").value.trim()) body.operationName = part("operation").value.trim();
  if (line) line.abort();
  state(say("running"));
  const began = performance.now();
  const response = await ask(body, more, "application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.8");
  if ((response.headers.get("content-type") || "").startsWith("text/event-stream")) return follow(response);
  const text = await response.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
  part("answer").textContent = shown;
  const took = Math.round(performance.now() - began);
  state(`${response.status} · ${took} ms · ${response.headers.get("x-request-id") || ""}`, !response.ok);
}

async function follow(response) {
  const mine = new AbortController();
  line = mine;
  part("stop").hidden = false;
  part("answer").textContent = "";
  state(say("following"));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  mine.signal.addEventListener("abort", () => reader.cancel());
  let waiting = "", count = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    waiting += value;
    const frames = waiting.split(/\r?\n\r?\n/);
    waiting = frames.pop();
    for (const frame of frames) {
      const data = frame.split(/\r?\n/).filter((one) => one.startsWith("data:")).map((one) => one.slice(5).trim()).join("\n");
      if (!data) continue;
      count += 1;
      part("answer").textContent = `${JSON.stringify(JSON.parse(data), null, 2)}\n\n${part("answer").textContent}`.slice(0, 200000);
      state(`${say("following")} ${count} ${say("events")}`);
    }
  }
  if (line === mine) line = null;
  part("stop").hidden = true;
  state(`${say("stopped")} ${count} ${say("events")}`);
}

function trying(what, where) {
  return async (event) => {
    event.preventDefault();
    try {
      await what(event);
    } catch (wrong) {
      const text = wrong instanceof TypeError ? say("away") : wrong.message;
      if (where === "state") state(text, true); else part(where).textContent = text;
    }
  };
}

part("language").value = navigator.language.startsWith("ja") ? "ja" : "en";
part("query").value = FIRST;
speak();
part("language").addEventListener("change", speak);
part("by-token").addEventListener("submit", trying(() => enter(part("token").value), "door-problem"));
part("by-person").addEventListener("submit", trying(() => Person.signIn(part("frontend").value.trim()), "door-problem"));
part("by-client").addEventListener("submit", trying(byClient, "door-problem"));
part("leave").addEventListener("click", leave);
part("run").addEventListener("click", trying(run, "state"));
part("stop").addEventListener("click", () => line && line.abort());
part("search").addEventListener("input", (event) => Schema.search(event.target.value));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && token) part("run").click();
});
part("query").addEventListener("keydown", (event) => {
  if (event.key !== "Tab" || event.shiftKey) return;
  event.preventDefault();
  document.execCommand("insertText", false, "  ");
});
Person.begin((given) => { token = given; }, enter);
