// SPDX-License-Identifier: GPL-2.0-only
// A service worker that answers as a server should that lets its pages share memory between threads:
// https://developer.mozilla.org/docs/Web/API/Window/crossOriginIsolated. For hosts that cannot.
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { request } = event;
  if (new URL(request.url).origin !== location.origin) return;
  const answer = fetch(request).then((response) => {
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    const { status, statusText } = response;
    const isEmpty = status === 204 || status === 304;
    return new Response(isEmpty ? null : response.body, { status, statusText, headers });
  });
  event.respondWith(answer);
});
