import { equalBytes } from '../../../common/bytes.ts';
import type { KvEntry, KvRange, KvSnapshot } from '../../kv/kv-store.ts';
import { after } from '../../kv/long-keys.ts';
import { keyOfState, stateKey, statePrefix } from '../state-key.ts';
import { decodeStateValue } from '../state-value.ts';
import { documentOf, everyDefinition, namespaceOf, rowsPrefix } from './key-space.ts';
import { rowsOf } from './row-writes.ts';
import { indexesOf, isComplete, type StoredIndex } from './stored-index.ts';

/** Where indexes are not what follows from the state beside them, a sentence for each index; those of another Node.js are made again anyway. */
export async function indexFindings(snapshot: KvSnapshot): Promise<readonly string[]> {
  const findings: string[] = [];
  for await (const { key } of entries(snapshot, everyDefinition)) {
    const namespace = namespaceOf(key);
    for (const index of indexesOf(snapshot, namespace).filter(isComplete)) {
      const problem = await problemOf(snapshot, namespace, index);
      if (problem !== undefined)
        findings.push(`the index ${index.definition.designDocument}/${index.definition.name} of ${namespace} ${problem}`);
    }
  }
  return findings;
}

async function problemOf(snapshot: KvSnapshot, namespace: string, index: StoredIndex): Promise<string | undefined> {
  let [there, wanted] = [0, 0];
  for (const kind of ['ordered', 'unordered'] as const) {
    const prefix = rowsPrefix(index.number, kind);
    for await (const { key, value } of entries(snapshot, { gte: prefix, lt: after(prefix) })) {
      const document = documentOf(key, value);
      const stored = snapshot.get(stateKey(namespace, document));
      const rows = stored === undefined ? [] : rowsOf([index], { key: document, ...decodeStateValue(stored) });
      if (!rows.some((row) => equalBytes(row.key, key))) return `has a row of ${JSON.stringify(document)} that is not in the state`;
      there += 1;
    }
  }
  const prefix = statePrefix(namespace);
  for await (const { key, value } of entries(snapshot, { gte: prefix, lt: after(prefix) }))
    wanted += rowsOf([index], { key: keyOfState(key, prefix), ...decodeStateValue(value) }).length;
  return there === wanted ? undefined : `has ${there} rows, and the state gives ${wanted}`;
}

async function* entries(snapshot: KvSnapshot, range: KvRange): AsyncGenerator<KvEntry, undefined> {
  using found = snapshot.range(range);
  for (let entry = await found.next(); entry !== undefined; entry = await found.next()) yield entry;
}
