/** Writes one TypeScript module per protobuf package: a read-only interface and a codec for every message. */

const HEADER = '// Generated from @hyperledger/fabric-protos by scripts/generate-protos.mjs. Not committed; do not edit.\n';
const WIRE = { bool: 0, int32: 0, int64: 0, uint32: 0, uint64: 0, enum: 0, bytes: 2, string: 2, message: 2 };
const TS = { bool: 'boolean', int32: 'number', uint32: 'number', int64: 'bigint', uint64: 'bigint', bytes: 'Uint8Array', string: 'string' };
const ZERO = { bool: 'false', int32: '0', uint32: '0', int64: '0n', uint64: '0n', bytes: 'EMPTY_BYTES', string: "''" };

/**
 * @param {import('./schema.mjs').Schema} schema
 * @returns {Map<string, string>} file name (without folder) to source text
 */
export function emit(schema) {
  const names = [...schema.messages.keys(), ...schema.enums.keys()];
  const packages = new Map();
  for (const name of names) {
    const at = packageOf(name);
    packages.set(at, packages.get(at) ?? { messages: [], enums: [] });
  }
  for (const message of schema.messages.values()) packages.get(packageOf(message.name)).messages.push(message);
  for (const each of schema.enums.values()) packages.get(packageOf(each.name)).enums.push(each);
  return new Map([...packages].map(([name, content]) => [`${name}.ts`, emitPackage(name, content)]));
}

/** `google.protobuf.Timestamp` lives in `google`, `common.SignaturePolicy.NOutOf` in `common`. */
const packageOf = (name) => name.split('.')[0];
const local = (name) =>
  name
    .split('.')
    .filter((part, at) => at > 0 && /^[A-Z]/.test(part))
    .join('_');

function emitPackage(name, { messages, enums }) {
  const others = new Set(messages.flatMap((message) => message.fields.filter((f) => f.kind === 'message').map((f) => packageOf(f.type))));
  others.delete(name);
  return [
    HEADER,
    "import type { Occurrences, Reader, Writer } from '../wire.ts';",
    "import { codec, EMPTY_BYTES, mapEntry, skip, sub } from '../wire.ts';",
    ...[...others].sort().map((other) => `import * as ${other} from './${other}.ts';`),
    '',
    ...enums.map(emitEnum),
    ...messages.map((message) => emitMessage(message, name)),
  ].join('\n');
}

const emitEnum = ({ name, values }) =>
  `/** \`${name}\`. */\nexport const ${local(name)} = {\n${Object.entries(values)
    .map(([key, value]) => `  ${key}: ${value},\n`)
    .join('')}} as const;\n`;

function emitMessage(message, at) {
  const name = local(message.name);
  const ref = (type) => (packageOf(type) === at ? local(type) : `${packageOf(type)}.${local(type)}`);
  return [
    `/** \`${message.name}\`, as decoded: absent scalars have their default, absent messages and oneof members are undefined. */`,
    `export interface ${name} {`,
    ...message.fields.map((f) => `  readonly ${f.name}: ${fieldType(f, ref, false)};`),
    '}',
    `/** What it takes to encode a \`${message.name}\`. */`,
    `export interface ${name}Init {`,
    ...message.fields.map((f) => `  readonly ${f.name}?: ${fieldType(f, ref, true)} | undefined;`),
    '}',
    emitDecode(message, name, ref),
    emitEncode(message, name, ref),
    `export const ${name} = codec<${name}, ${name}Init>('${message.name}', decode${name}, encode${name});`,
    '',
  ].join('\n');
}

function fieldType(f, ref, init) {
  const value = f.kind === 'scalar' ? TS[f.type] : f.kind === 'enum' ? 'number' : ref(f.type) + (init ? 'Init' : '');
  if (f.mapKey) return `ReadonlyMap<${TS[f.mapKey]}, ${value}>`;
  if (f.repeated) return `readonly ${value.includes('|') ? `(${value})` : value}[]`;
  return !init && (f.kind === 'message' || f.presence) ? `${value} | undefined` : value;
}

const decodeRef = (type, ref) => ref(type).replace(/(\w+)$/, 'decode$1');
const encodeRef = (type, ref) => ref(type).replace(/(\w+)$/, 'encode$1');

function emitDecode(message, name, ref) {
  const fields = message.fields;
  const oneof = fields.filter((f) => f.oneof !== undefined);
  const lines = [`export function decode${name}(r: Reader, end: number, strict: boolean, depth: number): ${name} {`];
  for (const f of fields) {
    const type = fieldType(f, ref, false);
    if (f.mapKey) lines.push(`  const ${v(f)}: Map<${TS[f.mapKey]}, ${mapValueType(f, ref)}> = new Map();`);
    else if (f.repeated) lines.push(`  const ${v(f)}: ${type.replace('readonly ', '')} = [];`);
    else lines.push(`  let ${v(f)}: ${type} = ${initial(f)};`);
    if (f.kind === 'message' && !f.repeated && !f.mapKey) lines.push(`  let ${v(f)}At: Occurrences | undefined;`);
  }
  lines.push('  while (r.pos < end) {', '    const tag = r.tag();', '    switch (tag) {');
  for (const f of fields) lines.push(...decodeCase(f, ref, oneof));
  const known = fields.map((f) => `field === ${f.number}`).join(' || ') || 'false';
  lines.push(
    '      default: {',
    '        const field = tag >>> 3;',
    `        skip(r, tag, end, strict && (${known}), '${message.name}');`,
    '      }',
  );
  lines.push('    }', '  }', `  r.endsAt(end, '${message.name}');`);
  const singular = fields.filter((f) => f.kind === 'message' && !f.repeated && !f.mapKey);
  for (const f of singular)
    lines.push(`  if (${v(f)}At !== undefined) ${v(f)} = ${decodeRef(f.type, ref)}(r.back(${v(f)}At), ${v(f)}At.end, strict, depth + 1);`);
  if (singular.length > 0) lines.push('  r.leave(end);');
  lines.push(`  return { ${fields.map((f) => `${f.name}: ${v(f)}`).join(', ')} };`, '}');
  return lines.join('\n').replaceAll('const field = tag >>> 3;\n        skip(r, tag, end, strict && (false)', 'skip(r, tag, end, false');
}

/** Field names such as `number` or `type` are fine, but `r`, `end` and keywords are not: every local gets a suffix. */
const v = (f) => `${f.name}$`;
const initial = (f) => (f.kind === 'message' || f.presence ? 'undefined' : f.kind === 'enum' ? '0' : ZERO[f.type]);
const mapValueType = (f, ref) => (f.kind === 'scalar' ? TS[f.type] : f.kind === 'enum' ? 'number' : ref(f.type));
const wireOf = (f) => (f.mapKey ? 2 : f.kind === 'scalar' ? WIRE[f.type] : WIRE[f.kind]);
const reader = (f) => (f.kind === 'enum' ? 'r.int32()' : f.type === 'bytes' || f.type === 'string' ? `r.${f.type}(end)` : `r.${f.type}()`);

function decodeCase(f, ref, oneof) {
  const tag = f.number * 8 + wireOf(f);
  const clears =
    f.oneof !== undefined
      ? oneof
          .filter((other) => other !== f && other.oneof === f.oneof)
          .map((other) => (other.kind === 'message' ? `${v(other)}At = undefined;` : `${v(other)} = undefined;`))
          .join(' ')
      : '';
  if (f.mapKey) {
    const read =
      f.kind === 'message' ? `(e) => ${decodeRef(f.type, ref)}(r, sub(r, e, depth), strict, depth + 1)` : `(end) => ${reader(f)}`;
    const absent = f.kind === 'message' ? `${ref(f.type)}.decode(EMPTY_BYTES)` : f.kind === 'enum' ? '0' : ZERO[f.type];
    return [
      `      case ${tag}: mapEntry(r, end, '${f.mapKey}', ${wireOf({ ...f, mapKey: undefined })}, ${read}, () => ${absent}, (key, value) => ${v(f)}.set(key as ${TS[f.mapKey]}, value), strict); break;`,
    ];
  }
  if (f.kind === 'message') {
    const decode = `${decodeRef(f.type, ref)}(r, sub(r, end, depth), strict, depth + 1)`;
    if (f.repeated) return [`      case ${tag}: ${v(f)}.push(${decode}); break;`];
    return [
      `      case ${tag}: {`,
      `        ${v(f)}At = r.occurrence(${v(f)}At, sub(r, end, depth));`,
      ...(clears ? [`        ${clears}`] : []),
      `        break;`,
      `      }`,
    ];
  }
  const read = reader(f);
  if (!f.repeated) return [`      case ${tag}: ${v(f)} = ${read}; ${clears} break;`];
  const one = `      case ${tag}: ${v(f)}.push(${read}); break;`;
  if (wireOf(f) === 2) return [one];
  return [one, `      case ${f.number * 8 + 2}: for (const until = sub(r, end, depth); r.pos < until; ) ${v(f)}.push(${read}); break;`];
}

function emitEncode(message, name, ref) {
  const lines = [`export function encode${name}(m: ${name}Init, w: Writer): void {`];
  for (const f of message.fields) lines.push(...encodeField(f, ref));
  lines.push('}');
  if (message.fields.length === 0) lines[0] = lines[0].replace('(m:', '(_m:').replace(', w:', ', _w:');
  return lines.join('\n');
}

function encodeField(f, ref) {
  const m = `m.${f.name}`;
  const tag = (f.number * 8 + wireOf(f)) >>> 0;
  const write = (value) => {
    if (f.kind === 'message') return `w.message(${tag}, ${value}, ${encodeRef(f.type, ref)});`;
    return `w.${f.kind === 'enum' ? 'int32' : f.type}(${tag}, ${value});`;
  };
  if (f.mapKey) {
    const valueTag = 16 + wireOf({ ...f, mapKey: undefined });
    const omit = f.type === 'bytes' ? 'if (value.length > 0) ' : '';
    const put =
      f.kind === 'message'
        ? `e.message(${valueTag}, value, ${encodeRef(f.type, ref)});`
        : `${omit}e.${f.kind === 'enum' ? 'int32' : f.type}(${valueTag}, value);`;
    return [
      `  if (${m} !== undefined) for (const [key, value] of ${m}) w.entry(${tag}, (e) => { e.${f.mapKey}(${8 + WIRE[f.mapKey]}, key); ${put} });`,
    ];
  }
  if (f.repeated && wireOf(f) === 0) return [`  if (${m} !== undefined && ${m}.length > 0) w.packed${f.type}(${f.number * 8 + 2}, ${m});`];
  if (f.repeated) return [`  if (${m} !== undefined) for (const each of ${m}) ${write('each')}`];
  if (f.kind === 'message' || f.presence) return [`  if (${m} !== undefined) ${write(m)}`];
  const filled = {
    bool: m,
    bytes: `${m} !== undefined && ${m}.length > 0`,
    string: `${m} !== undefined && ${m} !== ''`,
    int64: `${m} !== undefined && ${m} !== 0n`,
    uint64: `${m} !== undefined && ${m} !== 0n`,
  };
  return [`  if (${filled[f.type] ?? `${m} !== undefined && ${m} !== 0`}) ${write(m)}`];
}
