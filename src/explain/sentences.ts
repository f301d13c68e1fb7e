import type { Invalid } from '../committer/validation/outcome.ts';
import { keyText, plain } from './shown.ts';

type Details = Readonly<Record<string, string | number>>;

const text = (details: Details, name: string): string | undefined => (details[name] === undefined ? undefined : String(details[name]));

/** `key "a" of basic`, or that of a collection by its hash. */
export function keyPhrase(details: Details): string {
  const namespace = plain(text(details, 'namespace') ?? '');
  const hash = text(details, 'keyHash');
  if (hash !== undefined)
    return `the key with hash ${hash.slice(0, 16)}… in collection ${plain(text(details, 'collection') ?? '')} of ${namespace}`;
  return `key ${keyText(text(details, 'key') ?? text(details, 'keyRead') ?? '')} of ${namespace}`;
}

const versionPhrase = (version: string | undefined): string =>
  version === undefined || version === 'none' ? 'absent' : `version ${version}`;

/** `key "a" of basic was read at version 3:0 and is at version 4:1 now` */
export const versionsText = (details: Details): string =>
  `${keyPhrase(details)} was read ${readPhrase(details)} and is ${foundPhrase(text(details, 'versionFound'))} now`;

const readPhrase = (details: Details): string => {
  const version = text(details, 'versionRead');
  return version === undefined || version === 'none' ? 'as absent' : `at ${versionPhrase(version)}`;
};

const foundPhrase = (version: string | undefined): string =>
  version === undefined || version === 'none' ? 'absent' : `at ${versionPhrase(version)}`;

/** What became of a range query: a key appeared, was changed, or is gone. */
export function changeText(details: Details): string {
  const [key, read] = [text(details, 'key'), text(details, 'keyRead')];
  const range = `the range query from ${keyText(text(details, 'startKey') ?? '')} to ${keyText(text(details, 'endKey') ?? '')} of ${plain(text(details, 'namespace') ?? '')}`;
  if (key === undefined && read === undefined) return `${range} would have other results`;
  const gone = key === undefined || (read !== undefined && Buffer.compare(Buffer.from(read), Buffer.from(key)) < 0);
  if (gone) return `${range} found key ${keyText(read ?? '')}, which is gone`;
  return `${range} ${read === key ? 'found another version of' : 'did not find'} key ${keyText(key ?? '')}`;
}

/** Who endorsed, and who is missing for which policy. */
export function policySentence({ message, details }: Invalid): string {
  if (text(details, 'policy') === undefined) return plain(message);
  const by = text(details, 'endorsedBy');
  const [missing, refused] = [text(details, 'missing'), text(details, 'refusedEndorsements')];
  const nobody = by === undefined || by === '';
  const who = nobody ? 'no endorsement of it counts' : `it is endorsed by ${plain(by)}`;
  const wants = nobody ? 'wants' : 'also wants';
  const bad = refused === undefined ? '' : ` (${plain(refused)})`;
  return `${who}${bad}, and the policy of ${policyOwner(details)} ${missing === undefined ? 'is not satisfied' : `${wants} ${plain(missing)}`}`;
}

function policyOwner(details: Details): string {
  const namespace = plain(text(details, 'namespace') ?? '');
  const [key, collection] = [text(details, 'key'), text(details, 'collection')];
  if (key !== undefined)
    return `key ${collection === undefined ? keyText(key) : `with hash ${key.slice(0, 16)}…`} of ${collection === undefined ? '' : `collection ${plain(collection)} of `}${namespace}`;
  return collection === undefined ? namespace : `collection ${plain(collection)} of ${namespace}`;
}
