import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import type { Socket } from 'node:net';

/** As much of a debugger for Node as it takes to stop a program and let it go on. Disposing it goes away. */
export class Inspector implements Disposable {
  readonly #socket: Socket;
  #commands = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @param line what Node prints when its inspector opens */
  static async attach(line: string): Promise<Inspector> {
    const url = new URL(/ws:\S+/.exec(line)?.[0] ?? '');
    const key = randomBytes(16).toString('base64');
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13' };
    const request = get({ host: url.hostname, port: url.port, path: url.pathname, headers, agent: false });
    const [, socket] = await once(request, 'upgrade');
    return new Inspector(socket);
  }

  /** One masked frame of text, which must be shorter than 126 bytes. Resolves when it was answered. */
  async say(method: string, params: object = {}): Promise<void> {
    this.#commands += 1;
    const text = Buffer.from(JSON.stringify({ id: this.#commands, method, params }));
    const mask = randomBytes(4);
    const masked = text.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    const answered = this.#heard(`"id":${this.#commands}`);
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, masked]));
    await answered;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #heard(wanted: string): Promise<void> {
    return new Promise((resolve) => {
      const hear = (data: Buffer): void => {
        if (!data.includes(wanted)) return;
        this.#socket.off('data', hear);
        resolve();
      };
      this.#socket.on('data', hear);
    });
  }
}
