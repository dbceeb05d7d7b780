// The page of a drydock device. It shows what the device says as text, and asks for what a person wants.
"use strict";
const at = id => document.getElementById(id);
const page = document.querySelector("meta[name=drydock-page]").content;
// What is being asked for: the wish as a line, the bundle that belongs to it, and the token once there is one.
let wanted = null;
// A token to see the status with, where that is not free.
let seeing = null;
let uploading = false;

const show = (text, bad) => {
  at("message").textContent = text;
  at("message").className = bad ? "bad" : "";
};

// Asks the device. Returns the answer's text; what is refused is thrown, in the device's own words.
const say = async (path, body, token) => {
  const headers = { "X-Drydock-Page": page };
  if (token) headers.Authorization = "Bearer " + token;
  const answer = await fetch(path, { method: body === undefined ? "GET" : "POST", headers, body, cache: "no-store" });
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error(text), { code: answer.status });
  return text;
};

const mib = bytes => (bytes / 1048576).toFixed(1);

const render = view => {
  document.title = view.device + " - drydock";
  at("device").textContent = view.device;
  at("where").textContent = view.recovery ? "recovery" : "live system";
  at("status").textContent = view.status;
  at("lines").textContent = view.lines.join("\n");
  const upload = view.upload && view.upload.outcome === null ? view.upload : null;
  const now = upload ? { what: "upload of " + upload.version, done: upload.done, total: upload.total } : view.progress;
  at("working").hidden = !now;
  if (now) {
    at("step").textContent = now.what + ": " + mib(now.done) + " of " + mib(now.total) + " MiB";
    at("bar").max = Math.max(now.total, 1);
    at("bar").value = now.done;
  }
  at("busy").textContent = view.busy || "";
  for (const act of document.querySelectorAll("[data-act]")) act.hidden = !view.acts.includes(act.dataset.act);
};

const look = async () => {
  try {
    render(JSON.parse(await say("/status", undefined, seeing)));
  } catch (error) {
    if (error.code === 401) {
      at("where").textContent = "locked";
      for (const act of document.querySelectorAll("[data-act]")) act.hidden = act.dataset.act !== "view";
    } else {
      at("where").textContent = "the device does not answer";
    }
  }
  setTimeout(look, 1000);
};

// A bundle begins with its manifest: a header of tar, and JSON. The release is named before anything is sent.
const release = async file => {
  const head = new Uint8Array(await file.slice(0, 512).arrayBuffer());
  const text = (from, to) => new TextDecoder().decode(head.slice(from, to)).split("\0")[0].trim();
  const size = parseInt(text(124, 136), 8);
  if (head.length < 512 || !text(0, 100).startsWith("manifest") || !(size > 0 && size <= 1048576)) {
    throw new Error(file.name + " is no bundle");
  }
  const manifest = await file.slice(512, 512 + size).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", manifest));
  const hex = Array.from(digest, byte => byte.toString(16).padStart(2, "0")).join("");
  return JSON.parse(new TextDecoder().decode(manifest)).version + " " + hex;
};

const ask = async (line, title, file) => {
  wanted = { line, file };
  show("");
  const asked = JSON.parse(await say("/ask", line));
  // Where everybody may, nothing else asks whether it is meant.
  if (asked.token) return file || line === "view" || confirm(title + "?") ? act(asked.token) : leave();
  at("asked").textContent = title;
  at("challenge").textContent = asked.challenge;
  at("answer").value = "";
  at("door").hidden = false;
  at("answer").focus();
};

const leave = () => {
  wanted = null;
  at("door").hidden = true;
  at("bundle").value = "";
};

const act = async token => {
  const { line, file } = wanted;
  at("door").hidden = true;
  if (line === "view") {
    seeing = token;
    show("");
  } else if (file) {
    await send(file, token);
  } else {
    show(await say("/act", line, token));
  }
  leave();
};

const send = (file, token) => new Promise((done, failed) => {
  const request = new XMLHttpRequest();
  uploading = true;
  request.open("PUT", "/bundle");
  request.setRequestHeader("X-Drydock-Page", page);
  request.setRequestHeader("Authorization", "Bearer " + token);
  request.onload = () => {
    uploading = false;
    if (request.status === 200) { show(request.responseText); done(); } else failed(new Error(request.responseText));
  };
  // A bundle that is refused while it comes ends the connection: the device says why in its status.
  request.onerror = async () => {
    uploading = false;
    try {
      const { upload } = JSON.parse(await say("/status", undefined, seeing || token));
      failed(new Error(upload && upload.outcome || "the connection broke; try again"));
    } catch {
      failed(new Error("the connection broke; try again"));
    }
  };
  request.send(file);
});

const attempt = work => async event => {
  event.preventDefault();
  try {
    await work(event);
  } catch (error) {
    show(error.message, true);
    if (at("door").hidden) leave();
  }
};

for (const button of document.querySelectorAll("button[data-act]")) {
  button.onclick = attempt(() => ask(button.dataset.act, button.textContent));
}
at("bundle").onchange = attempt(async () => {
  const file = at("bundle").files[0];
  if (!file) return;
  const line = await release(file);
  await ask("install " + line, "Install " + line.split(" ")[0], file);
});
at("door").onsubmit = attempt(async () => {
  show("");
  await act(JSON.parse(await say("/answer", wanted.line + "\n" + at("answer").value)).token);
});
at("leave").onclick = leave;
at("copy").onclick = attempt(() => navigator.clipboard.writeText(at("challenge").textContent));
addEventListener("beforeunload", event => { if (uploading) event.preventDefault(); });
look();
