// The counter's page, as text, so that it is also inside the single-file executable of kumactl.

/** HTML with its style and its script. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Counter</title>
<style>
  :root { color-scheme: light dark; font-family: system-ui, sans-serif; }
  body { display: grid; place-items: center; min-height: 90vh; text-align: center; }
  output { display: block; font-size: 5rem; font-variant-numeric: tabular-nums; }
  output.failed { color: #c2334d; font-size: 1.5rem; }
  button { font: inherit; padding: .6em 1.4em; margin: 1em; cursor: pointer; }
  p { color: GrayText; }
</style>
<main>
  <h1>Counter</h1>
  <output id="counter" aria-live="polite">…</output>
  <button id="increment">+ 1</button>
  <p id="path">counter → Envoy → mutual TLS → Envoy → key-value store</p>
  <p id="detail"></p>
</main>
<script>
  const counter = document.getElementById('counter');
  const detail = document.getElementById('detail');
  async function show(method) {
    const state = await fetch('/counter', { method }).then((response) => response.json(), () => ({ status: 0, text: 'the demo has ended' }));
    const ok = state.status === 200;
    counter.textContent = ok ? state.text : \`\${state.status || ''} \${state.text}\`;
    counter.className = ok ? '' : 'failed';
    detail.textContent = state.milliseconds === undefined ? '' : \`answered in \${state.milliseconds} ms\`;
  }
  document.getElementById('increment').addEventListener('click', () => show('POST'));
  setInterval(() => show('GET'), 500);
  show('GET');
</script>
</html>
`;
