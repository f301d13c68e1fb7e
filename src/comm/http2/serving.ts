import type { Socket } from 'node:net';
import { ByteBudget } from '../byte-budget.ts';
import { type CallStatus, Status } from '../status.ts';
import type { ServerTransport, ServingOptions } from '../transport.ts';
import { type ConnectionLimits, SERVER_LIMITS } from './limits.ts';
import { ServerConnection } from './server-connection.ts';

/** A gRPC server on connections that somebody else accepted. */
export function serveWithHttp2(options: ServingOptions, connectionLimits: ConnectionLimits = SERVER_LIMITS): ServerTransport {
  const { methods, limits, refusal } = options;
  const byPath = new Map(methods.map((method) => [method.path, method]));
  const budget = new ByteBudget({ perConnection: limits.bytesPerConnection, total: limits.bytes });
  const connections = new Set<ServerConnection>(); // the oldest first
  const onEnd = (connection: ServerConnection): unknown => connections.delete(connection);
  const parts = { limits: { ...connectionLimits, handshakeMs: limits.handshakeMs }, budget, methods: byPath, refusal, onEnd };
  return {
    accept: (socket: Socket) => {
      if (connections.size >= limits.connections && !closeIdle(connections)) socket.destroy();
      else connections.add(new ServerConnection({ ...parts, socket }));
    },
    windDown: () => {
      for (const connection of connections) connection.windDown(STOPPING);
    },
  };
}

/** Makes room by closing the oldest connection that does nothing; false when all are busy. */
function closeIdle(connections: ReadonlySet<ServerConnection>): boolean {
  for (const connection of connections) {
    if (!connection.idles) continue;
    connection.close('there are too many connections');
    return true;
  }
  return false;
}

const STOPPING: CallStatus = { code: Status.UNAVAILABLE, message: 'the server is stopping' };
