/** The official package's own JavaScript, made by protoc: an implementation that shares no code with ours. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

export interface OfficialMessage {
  deserializeBinary(bytes: Uint8Array): { serializeBinary(): Uint8Array };
}

let all: ReadonlyMap<string, OfficialMessage> | undefined;

/** The message of that full name, like `common.Envelope`; undefined where `@hyperledger/fabric-protos` has none. */
export function findOfficialMessage(name: string): OfficialMessage | undefined {
  all ??= readMessages(dirname(require.resolve('@hyperledger/fabric-protos')));
  return all.get(name);
}

export function officialMessage(name: string): OfficialMessage {
  const found = findOfficialMessage(name);
  if (found === undefined) throw new Error(`the package has no ${name}`);
  return found;
}

function readMessages(folder: string): ReadonlyMap<string, OfficialMessage> {
  const messages = new Map<string, OfficialMessage>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('_pb.js') || file.endsWith('_grpc_pb.js')) continue;
    const exported: unknown = require(join(folder, file));
    for (const [, pkg, path = ''] of readFileSync(join(folder, file), 'utf8').matchAll(
      /\nproto\.(\w+)\.([\w.]+) = function\(opt_data\)/g,
    )) {
      const found = path
        .split('.')
        .filter((part) => /^[A-Z]/.test(part))
        .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], exported);
      if (found !== undefined) messages.set(`${pkg}.${path}`, found as OfficialMessage);
    }
  }
  return messages;
}
