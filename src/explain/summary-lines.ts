import type { Help, HotKey } from './contention.ts';
import type { StateKey } from './reader.ts';
import { keyText, plain } from './shown.ts';
import type { Summary } from './summarize.ts';

const MOST_KEYS = 5;
const MOST_HELPS = 4;

/** A summary for people: a screen at most. */
export function summaryLines({ channelId, span, transactions, invalid, unknown, hotKeys, helps }: Summary): readonly string[] {
  const all = invalid.reduce((sum, { count }) => sum + count, 0);
  const share = transactions === 0 ? '' : ` (${((100 * all) / transactions).toFixed(1)} %)`;
  return [
    `${channelId}, blocks ${span.first} to ${span.last}: ${transactions} transactions, ${all} invalid${share}`,
    ...invalid.map(({ code, count, last }) => `  ${String(count).padStart(6)}  ${code}, last at ${last.block}:${last.index}`),
    ...(hotKeys.length === 0 ? [] : ['hot keys']),
    ...hotKeys.slice(0, MOST_KEYS).map(hotLine),
    ...(hotKeys.length > MOST_KEYS ? [`          and ${hotKeys.length - MOST_KEYS} more keys`] : []),
    ...(unknown === 0 ? [] : [`          ${unknown} lost to a transaction before these blocks: begin earlier with --from`]),
    ...(hotKeys.length === 0 ? [] : ['what would help']),
    ...(hotKeys.length > 0 && helps.length === 0 ? ['          nothing simple: several keys at once are contested'] : []),
    ...helps.slice(0, MOST_HELPS).map(helpLine),
  ];
}

const MOST_PAIRS = 2;

function hotLine({ key, lost, pairs }: HotKey): string {
  const told = pairs
    .slice(0, MOST_PAIRS)
    .map(({ loser, winner, count }) => `${loser} to ${winner}${pairs.length > 1 ? ` ${count} times` : ''}`);
  const more = pairs.length > MOST_PAIRS ? ', and others' : '';
  return `  ${String(lost).padStart(6)}  ${stateKeyText(key)}: lost by ${told.join(', by ')}${more}`;
}

function helpLine({ what, key, fields, saved }: Help): string {
  const name = stateKeyText(key);
  const ways = {
    'delta keys': `delta keys instead of one number in ${name}, added up when it is read`,
    splitting: `a key of its own for each part of ${name}: ${fields.map(plain).join(', ')}`,
    evaluating: `evaluating what only reads ${name}, instead of submitting it`,
    'not reading': `reading ${name} in another call than the one that writes, or not at all`,
    'narrower range': `a range query without ${name}, or known keys instead of a range`,
  };
  return `  ${String(saved).padStart(6)}  saved by ${ways[what]}`;
}

function stateKeyText([namespace, key]: StateKey): string {
  const [chaincode = '', collection] = namespace.split('$$h');
  if (collection === undefined) return `${keyText(key)} of ${plain(namespace)}`;
  return `key with hash ${Buffer.from(key, 'latin1').toString('hex').slice(0, 16)}… in collection ${plain(collection)} of ${plain(chaincode)}`;
}
