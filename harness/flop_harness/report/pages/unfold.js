// What a page keeps compressed until somebody opens it.

/** @type {<Value>(data: string) => Promise<Value>} */
async function unpacked(data) {
  const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).json();
}
