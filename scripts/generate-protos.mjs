/** Derives src/protos/gen/ from the installed @hyperledger/fabric-protos. Usage: node scripts/generate-protos.mjs */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emit } from './protos/emit.mjs';
import { readSchema } from './protos/schema.mjs';
import { supplement } from './protos/supplement.mjs';

const require = createRequire(import.meta.url);
const source = dirname(require.resolve('@hyperledger/fabric-protos'));
const target = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'protos', 'gen');

const schema = readSchema(source);
supplement(schema);
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const [file, text] of emit(schema)) writeFileSync(join(target, file), text);
console.log(`protos: ${schema.messages.size} messages and ${schema.enums.size} enums from @hyperledger/fabric-protos`);
