import { describe, expect, it } from 'vitest';
import { queryFixtureLines } from '../../test/recorded-queries.ts';
import { utf8 } from '../common/bytes.ts';
import { checkMetadata } from './index-metadata.ts';

interface Verdict {
  readonly def?: string;
  readonly path?: string;
  readonly content?: string;
  readonly fabricPackage: string;
}

const PATH = 'META-INF/statedb/couchdb/indexes/i.json';
const verdicts = queryFixtureLines<Verdict>('index-create.jsonl');

/** What `peer lifecycle chaincode package` says before the words of the checker. */
const BEFORE = 'Error: error getting chaincode bytes: Error writing Chaincode package contents: ';

const refusalOf = ({ path = PATH, content, def }: Verdict): string => {
  try {
    checkMetadata({ path, content: utf8(content ?? def ?? '') });
    return 'ok';
  } catch (thrown) {
    return `${BEFORE}${thrown instanceof Error ? thrown.message : thrown}`;
  }
};

/** Hidden files are left out before anybody looks into them. */
const isHidden = ({ path = '' }: Verdict): boolean => path.includes('/.');

describe.runIf(verdicts.length > 0)('an index file of a package', () => {
  const judged = verdicts.filter((each) => !isHidden(each) && !each.fabricPackage.startsWith('panic'));
  const crashed = verdicts.filter(({ fabricPackage }) => fabricPackage.startsWith('panic'));

  it('is judged in the words of Fabric’s packaging', () => {
    expect(judged.map(refusalOf)).toEqual(judged.map(({ fabricPackage }) => fabricPackage));
  });

  it('is refused with a sentence where Fabric’s packaging crashes', () => {
    expect(crashed.map(refusalOf)).toEqual([
      expect.stringContaining('Invalid field definition, fields must be in the form "fieldname":"sort"'),
      expect.stringContaining('Invalid entry, "index" must be a JSON'),
    ]);
  });
});
