import type { ServerResponse } from 'node:http';

const PIECE_LENGTH = 65_536;

/** Sends a page of any length whose head is set, without keeping the autoscaler from its turns, and no faster than it is read. */
export async function sendPieces(response: ServerResponse, pieces: Iterable<string> | AsyncIterable<string>): Promise<void> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length < PIECE_LENGTH) continue;
    const isTaken = response.write(text);
    text = '';
    await new Promise<void>((resolve) => (isTaken ? setImmediate(resolve) : resumed(response, resolve)));
    if (response.destroyed) return;
  }
  response.end(text);
}

function resumed(response: ServerResponse, resolve: () => void): void {
  const go = (): void => {
    response.off('drain', go).off('close', go);
    resolve();
  };
  response.on('drain', go).on('close', go);
}
