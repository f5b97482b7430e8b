"use strict";
// Makes the functions of the module callable, which `module.js` holds compressed.

async function load() {
  const bytes = Uint8Array.from(atob(labModule), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  await wasm_bindgen({ module_or_path: await new Response(stream).arrayBuffer() });
}
