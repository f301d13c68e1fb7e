import { describe, expect, it } from 'vitest';
import { textOf } from '../../common/bytes.ts';
import { constructorArguments, transientMap } from './constructor-arguments.ts';

describe('-c', () => {
  it.each([
    ['{"Args":["f","a"]}', ['f', 'a']],
    ['{"Function":"f","Args":["a"]}', ['f', 'a']],
    ['{"function":"f","args":["a"]}', ['f', 'a']],
    ['{"ARGS":[]}', []],
    ['{"Function":"f"}', ['f']],
    ['{}', []],
    ['{"Args":["é","\\u0000"],"isInit":true}', ['é', '\u0000']],
  ])('%s', (text, args) => {
    expect(constructorArguments(text)).toEqual(args);
  });

  it.each(['', 'f', '[]', 'null', '"f"', '{"Args":"f"}', '{"Args":[1]}', '{"Args":["f"],"Arg":[]}', '{"Function":1}'])(
    '%j is refused',
    (text) => {
      expect(() => constructorArguments(text)).toThrow(
        expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringMatching(/^chaincode argument error: /) }),
      );
    },
  );
});

describe('--transient', () => {
  it('holds values in base64', () => {
    const map = transientMap('{"price":"MTA=","empty":""}');
    expect([...(map ?? [])].map(([key, value]) => [key, textOf(value)])).toEqual([
      ['price', '10'],
      ['empty', ''],
    ]);
  });

  it('may be absent', () => {
    expect(transientMap(undefined)).toBeUndefined();
  });

  it.each(['x', '[]', '{"price":10}', '{"price":"no base64!"}'])('%s is refused', (text) => {
    expect(() => transientMap(text)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }));
  });
});
