/** Paths as the kernel takes them, at addresses that stay: bytes that end with zero, in blocks that are never moved. */
import { type Pointer, ptr } from "bun:ffi";

const blockBytes = 256 * 1024;
/** PATH_MAX is 4,096: what is longer the kernel refuses, and so it may be cut. */
const pathBytesMax = 8 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  usedBytes: number;
}

export interface PathMemory {
  /** The address is good until `forget`. */
  keep(path: string): Pointer;
  /** The address is good until the next call of `passing`. */
  passing(path: string): Pointer;
  forget(): void;
}

export function createPathMemory(): PathMemory {
  const encoder = new TextEncoder();
  const scratch = makeBlock(pathBytesMax);
  let blocks: Block[] = [];
  /** @returns the address in the block. */
  const put = (path: string, block: Block): Pointer => {
    // The kernel would stop there, and look at another file than the one that was named.
    if (path.includes("\0")) throw new TypeError("a path has a zero byte in it");
    const target = block.bytes.subarray(block.usedBytes, block.usedBytes + pathBytesMax - 1);
    const { written } = encoder.encodeInto(path, target);
    block.bytes[block.usedBytes + written] = 0;
    const address = ptr(block.bytes, block.usedBytes);
    block.usedBytes += written + 1;
    return address;
  };
  return {
    keep(path) {
      let block = blocks.at(-1);
      if (block === undefined || block.usedBytes + pathBytesMax > block.bytes.byteLength) {
        block = makeBlock(blockBytes);
        blocks.push(block);
      }
      return put(path, block);
    },
    passing(path) {
      scratch.usedBytes = 0;
      return put(path, scratch);
    },
    forget() {
      blocks = [];
    },
  };
}

/** From an ArrayBuffer of its own: small typed arrays may move once their buffer is asked for. */
function makeBlock(byteCount: number): Block {
  return { bytes: new Uint8Array(new ArrayBuffer(byteCount)), usedBytes: 0 };
}
