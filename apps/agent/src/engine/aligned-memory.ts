// Node has it, its types name only the parts of it that need a browser.
declare const WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer } };

const WASM_PAGE_BYTES = 65_536;
const ALIGNMENT_BYTES = 4096;
const alignedMemory = new WeakSet<object>();

/**
 * A buffer whose start lies on a memory page, as O_DIRECT demands. Only WebAssembly memory is page-aligned in Node;
 * `Buffer.alloc` is not, and the kernel answers EINVAL. Each call reserves address space: ask once and cut it up.
 */
export function allocateAligned(bytes: number): Buffer {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  alignedMemory.add(buffer);
  return Buffer.from(buffer, 0, bytes);
}

/** Whether the kernel takes this buffer for direct I/O as far as its place in memory goes. */
export function isAligned(buffer: Buffer): boolean {
  return alignedMemory.has(buffer.buffer) && buffer.byteOffset % ALIGNMENT_BYTES === 0;
}
