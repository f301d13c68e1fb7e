/**
 * Reads Fabric's message schema out of `@hyperledger/fabric-protos`.
 *
 * The package carries no `.proto` files, but protoc leaves the declaration of every field above its accessor
 * (`optional bytes value = 1;`), the fully qualified type in the accessor's `@return`, and the enum and oneof tables as
 * plain literals. That is the whole schema, so nothing has to be copied into this repository.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCALARS = new Set(['bool', 'bytes', 'string', 'int32', 'int64', 'uint32', 'uint64']);
const FIELD = /\/\*\*\n \* (optional|repeated) ([\w.]+) (\w+) = (\d+);\n \* @return \{([^\n]+)\}\n \*\/\n(proto[\w.]+)\.prototype\.get/g;
const MAP =
  /\/\*\*\n \* map<(\w+), ([\w.]+)> (\w+) = (\d+);\n(?: \* @param[^\n]*\n \* [^\n]*\n)? \* @return \{!jspb\.Map<\w+,!?([^>]+)>\}\n \*\/\n(proto[\w.]+)\.prototype\.get/g;
const ENUM = /\n \* @enum \{number\}\n \*\/\n(proto[\w.]+) = \{\n([\s\S]*?)\n\};/g;
const ONEOF = /\n(proto[\w.]+)\.oneofGroups_ = (\[\[[^;]*\]\]);/g;
const MESSAGE = /\n\s*(proto[\w.]+)\.displayName = /g;

/**
 * @typedef {{name: string, number: number, kind: 'scalar'|'message'|'enum', type: string, repeated: boolean,
 *   mapKey?: string, presence?: boolean, oneof?: number}} Field `type` is a scalar name, or a full message or enum name.
 * @typedef {{name: string, fields: Field[]}} Message `name` is full, like `common.SignaturePolicy.NOutOf`; fields stand in
 *   the order in which they are written.
 * @typedef {{name: string, values: Record<string, number>}} Enum
 * @typedef {{messages: Map<string, Message>, enums: Map<string, Enum>}} Schema
 */

/**
 * @param {string} packageFolder the `lib` folder of `@hyperledger/fabric-protos`
 * @returns {Schema}
 */
export function readSchema(packageFolder) {
  /** @type {Schema} */
  const schema = { messages: new Map(), enums: new Map() };
  const files = readdirSync(packageFolder, { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((file) => file.endsWith('_pb.js') && !file.endsWith('_grpc_pb.js'))
    .sort()
    .map((file) => readFileSync(join(packageFolder, file), 'utf8'));
  for (const source of sources) readDeclarations(source, schema);
  for (const source of sources) readFields(source, schema);
  return schema;
}

function readDeclarations(source, { messages, enums }) {
  for (const [, name] of source.matchAll(MESSAGE)) messages.set(bare(name), { name: bare(name), fields: [] });
  for (const [, name, body] of source.matchAll(ENUM)) {
    const values = Object.fromEntries([...body.matchAll(/(\w+): (-?\d+)/g)].map(([, key, value]) => [key, Number(value)]));
    if (!/Case$/.test(name)) enums.set(bare(name), { name: bare(name), values });
  }
}

function readFields(source, schema) {
  for (const [, label, declared, name, number, returned, owner] of source.matchAll(FIELD)) {
    const fields = messageOf(schema, owner).fields;
    if (fields.some((field) => field.number === Number(number))) continue; // the `_asB64` wrappers repeat the comment
    const type = SCALARS.has(declared) ? declared : bare(/proto[\w.]+/.exec(returned)?.[0] ?? '');
    fields.push({ name: camel(name), number: Number(number), type, kind: kindOf(type, schema), repeated: label === 'repeated' });
  }
  for (const [, mapKey, declared, name, number, returned, owner] of source.matchAll(MAP)) {
    const type = SCALARS.has(declared) ? declared : bare(returned);
    const field = { name: camel(name), number: Number(number), type, kind: kindOf(type, schema), repeated: false, mapKey };
    messageOf(schema, owner).fields.push(field);
  }
  for (const [, owner, groups] of source.matchAll(ONEOF)) {
    for (const [group, numbers] of JSON.parse(groups).entries()) {
      for (const number of numbers) Object.assign(fieldOf(schema, owner, number), { presence: true, oneof: group });
    }
  }
  for (const message of schema.messages.values()) message.fields.sort((a, b) => a.number - b.number);
}

const bare = (name) => name.replace(/^proto\./, '');
const camel = (name) =>
  name
    .replace(/_+([a-zA-Z0-9])/g, (_, letter) => letter.toUpperCase())
    .replace(/^[A-Z]+/, (head) => (head.length > 1 ? head : head.toLowerCase()));

function kindOf(type, { messages, enums }) {
  if (SCALARS.has(type)) return 'scalar';
  if (enums.has(type)) return 'enum';
  if (messages.has(type) || type.startsWith('google.protobuf.')) return 'message';
  throw new Error(`cannot tell what ${type} is; has the layout of @hyperledger/fabric-protos changed?`);
}

function messageOf(schema, owner) {
  const message = schema.messages.get(bare(owner));
  if (message === undefined) throw new Error(`field of an unknown message ${owner}`);
  return message;
}

function fieldOf(schema, owner, number) {
  const field = messageOf(schema, owner).fields.find((candidate) => candidate.number === number);
  if (field === undefined) throw new Error(`${owner} has no field ${number}`);
  return field;
}
