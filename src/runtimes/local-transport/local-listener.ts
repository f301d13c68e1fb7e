import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ChaincodeConnection } from '../../chaincode/ports/connection.ts';
import type { ByteBudget } from '../../comm/byte-budget.ts';
import type { Logger } from '../../common/log.ts';
import { LocalConnection } from './local-connection.ts';

export interface LocalListenerParts {
  /** Of one instance alone, which only the peer's user may enter: that is what keeps others out. */
  readonly folder: string;
  /** The chaincode that the instance is. */
  readonly ccid: string;
  /** Serves a connection; when it settles, the connection is closed. */
  readonly accept: (connection: ChaincodeConnection) => Promise<unknown>;
  /** Those of the instance. */
  readonly processes: () => Promise<readonly number[]>;
  readonly budget: ByteBudget;
  readonly log: Logger;
}

const NAME = 'peer.sock';
/** Bytes of a socket's path that every system takes, without the zero at its end. */
const MOST_PATH = 103;
/** Connections at a time. A chaincode has one. */
const MOST_CONNECTIONS = 4;

/** The Unix socket of one chaincode instance. Whoever connects can be that chaincode and no other. */
export class LocalListener implements AsyncDisposable {
  /** Absolute; it may be too long to connect to by this name. */
  readonly path: string;
  readonly #parts: LocalListenerParts;
  readonly #server: Server;
  readonly #folder: FileHandle | undefined;
  readonly #sockets = new Set<Socket>();
  #used = false;

  private constructor(parts: LocalListenerParts, path: string, server: Server, folder: FileHandle | undefined) {
    this.path = path;
    this.#parts = parts;
    this.#server = server;
    this.#folder = folder;
    server.maxConnections = MOST_CONNECTIONS;
    server.on('connection', (socket) => this.#serve(socket));
    // As when this process has no descriptor left for it; without a listener that would be the end of the peer.
    server.on('error', ({ message: reason }) => parts.log.warn('a chaincode could not be let in at its local socket', { reason }));
  }

  /** Undefined, with a line at debug, where the system makes no such socket. */
  static async open(parts: LocalListenerParts): Promise<LocalListener | undefined> {
    const path = join(parts.folder, NAME);
    const folder = Buffer.byteLength(path) > MOST_PATH && process.platform === 'linux' ? await open(parts.folder) : undefined;
    const server = createServer();
    try {
      server.listen(folder === undefined ? path : `/proc/self/fd/${folder.fd}/${NAME}`); // a name for the same place, and short
      await once(server, 'listening');
      return new LocalListener(parts, path, server, folder);
    } catch (thrown) {
      await folder?.close();
      parts.log.debug('no local socket for a chaincode, which speaks gRPC instead', { reason: String(thrown) });
      return undefined;
    }
  }

  /** The chaincode has registered, whichever way it came. */
  registered(): void {
    if (!this.#used) this.#parts.log.debug('chaincode does not use its local socket: it came over gRPC');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#folder?.close();
  }

  #serve(socket: Socket): void {
    const { ccid, accept, processes, budget, log } = this.#parts;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const onHello = (handler: string): void => {
      this.#used = true;
      log.debug('chaincode speaks over its local socket', { handler });
    };
    const connection = new LocalConnection({ socket, madeFor: ccid, processes, budget, owner: this, onHello });
    const over = (): void => connection.close();
    void accept(connection).then(over, over);
  }
}
