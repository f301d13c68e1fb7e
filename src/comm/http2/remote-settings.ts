import { ConnectionError, DEFAULT_FRAME_SIZE, DEFAULT_WINDOW, ErrorCode, MAX_FRAME_SIZE, MAX_WINDOW, Setting } from './protocol.ts';
import { windowTooLarge } from './send-window.ts';

/** What changes for streams that are open when the other side wants other windows. */
interface OpenStream {
  /** False when the window would become larger than HTTP/2 allows. */
  widen(bytes: number): boolean;
}

/** What the other side wants, as its SETTINGS say. The table of our encoder is never used, and our header lists are far below any limit. */
export class RemoteSettings {
  /** Bytes that it lets a new stream send. */
  initialWindow = DEFAULT_WINDOW;
  /** The largest frame that it takes. */
  frameSize = DEFAULT_FRAME_SIZE;
  /** Streams that it wants to have at a time. */
  maxCalls = Number.POSITIVE_INFINITY;

  /** @throws {ConnectionError} for a value that a setting cannot have */
  apply(values: readonly (readonly [setting: number, value: number])[], open: ReadonlyMap<number, OpenStream>): void {
    for (const [setting, value] of values) this.#apply(setting, value, open);
  }

  #apply(setting: number, value: number, open: ReadonlyMap<number, OpenStream>): void {
    switch (setting) {
      case Setting.ENABLE_PUSH:
        if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `ENABLE_PUSH is ${value}`);
        break;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxCalls = value;
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        this.#resizeWindows(value, open);
        break;
      case Setting.MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_SIZE || value > MAX_FRAME_SIZE)
          throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `MAX_FRAME_SIZE is ${value}`);
        this.frameSize = value;
        break;
      default:
    }
  }

  #resizeWindows(size: number, open: ReadonlyMap<number, OpenStream>): void {
    if (size > MAX_WINDOW) throw windowTooLarge();
    const change = size - this.initialWindow;
    this.initialWindow = size;
    for (const stream of open.values()) if (!stream.widen(change)) throw windowTooLarge();
  }
}
