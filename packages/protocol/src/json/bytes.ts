/** Text and base64 to bytes and back, by Buffer where there is one and by the web's own means elsewhere. */

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The bytes of text that is known to be ASCII, such as what `stringifyJson` returns. */
export function asciiBytes(text: string): Uint8Array {
  return typeof Buffer === 'function' ? Buffer.from(text, 'latin1') : encoder.encode(text);
}

/** The text of the bytes, or undefined where they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

export function base64Text(bytes: Uint8Array): string {
  if (typeof Buffer === 'function') {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return buffer.toString('base64');
  }
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/** The bytes of strict, padded base64; undefined for anything else. */
export function base64Bytes(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  if (typeof Buffer === 'function') return Buffer.from(text, 'base64');
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
