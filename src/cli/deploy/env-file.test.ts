import { describe, expect, it } from 'vitest';
import { readVariables } from './env-file.ts';

describe('a file of variables', () => {
  const read = (text: string, outer = {}) => {
    const { CORE_PEER_ADDRESS: value } = readVariables(text, outer, 'org.env');
    return value;
  };

  it.each([
    ['CORE_PEER_ADDRESS=a:1', 'a:1'],
    ['  export CORE_PEER_ADDRESS="a:1"  # the peer', 'a:1'],
    ["export CORE_PEER_ADDRESS='it'\\''s a path'", "it's a path"],
    ['CORE_PEER_ADDRESS=a\\ b', 'a b'],
    [`CORE_PEER_ADDRESS="$BASE/x-\${BASE}"`, '/base/x-/base'],
    ["CORE_PEER_ADDRESS='$BASE'", '$BASE'],
    [`FABRIC_CFG_PATH=/cfg\nCORE_PEER_ADDRESS=\${FABRIC_CFG_PATH}/p`, '/cfg/p'],
    ['CORE_PEER_ADDRESS=one\nexport CORE_PEER_ADDRESS=two;', 'two'],
    ['CORE_PEER_ADDRESS=$NOBODY', ''],
    ['if [ -n "$X" ]; then Y=$(date); fi\nCORE_PEER_ADDRESS=a:1\r\n# CORE_PEER_ADDRESS=b', 'a:1'],
  ])('sets what a shell would: %s', (text, value) => {
    expect(read(text, { BASE: '/base' })).toBe(value);
  });

  it('leaves what others set', () => {
    expect(readVariables('', { CORE_PEER_ID: 'p' }, 'org.env')['CORE_PEER_ID']).toBe('p');
  });

  it.each(['CORE_PEER_ADDRESS=$(hostname):1', 'CORE_PEER_ADDRESS="`hostname`"', `CORE_PEER_ADDRESS=\${A:-b}`, 'CORE_PEER_ADDRESS="open'])(
    'refuses what only a shell can work out: %s',
    (text) => {
      expect(() => read(`\n${text}`)).toThrow(/^line 2 of org\.env: CORE_PEER_ADDRESS has a value that only a shell can work out/);
    },
  );
});
