import { describe, expect, it } from 'vitest';
import { textOf } from '../../common/bytes.ts';
import { constructorArguments, transientMap } from './constructor-arguments.ts';

describe('-c', () => {
  it.each([
    ['{"Args":["f","a"]}', ['f', 'a']],
    ['{"Function":"f","Args":["a"]}', ['f', 'a']],
    ['{"function":"f","args":["a"]}', ['f', 'a']],
    ['{"ARGS":[]}', []],
    ['{"Function":"f","Args":null}', ['f']],
    ['{"Function":"","Args":[null]}', ['']],
    ['{"Args":["é","\\u0000"]}', ['é', '\u0000']],
  ])('%s', (text, args) => {
    expect(constructorArguments(text)).toEqual(args);
  });

  it.each([
    ['', 'unexpected end of JSON input'],
    ['get a', "invalid character 'g' looking for beginning of value"],
    ['fail', "invalid character 'i' in literal false (expecting 'l')"],
    ["{'Args':[]}", "invalid character '\\'' looking for beginning of object key string (line 1, column 2)"],
    ['{"Args":["f",]}', "invalid character ']' looking for beginning of value"],
    ['{"Args":["f"]} x', "invalid character 'x' after top-level value"],
    ['[]', 'json: cannot unmarshal array into Go value'],
    ['null', "non-empty JSON chaincode parameters must contain the following keys: 'Args' or 'Function' and 'Args'"],
    ['"f"', 'json: cannot unmarshal string into Go value'],
    [
      '{"Args":"f"}',
      'Args is the text "f" at line 1, column 9, expected a list of texts: json: cannot unmarshal string into Go struct field .Args of type []string',
    ],
    ['{"Args":[1]}', 'json: cannot unmarshal number 1 into Go struct field .Args of type string'],
    ['{"Function":1,"Args":[]}', 'json: cannot unmarshal number 1 into Go struct field .Function of type string'],
    ['{"Function":"f"}', "must contain the following keys: 'Args' or 'Function' and 'Args'"],
    ['{"Args":["f"],"Arg":[]}', 'must contain the following keys'],
    ['{"Args":[],"isInit":true}', 'must contain the following keys'],
  ])('%j is refused', (text, message) => {
    expect(() => constructorArguments(text)).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('may be left out only where nothing is called', () => {
    expect(constructorArguments('{}', [])).toEqual([]);
    expect(() => constructorArguments('{}')).toThrow("empty JSON chaincode parameters must contain the following keys: 'Args'");
  });
});

describe('--transient', () => {
  it('holds values in base64', () => {
    const map = transientMap('{"price":"MT\\nA=","empty":"","null":null}');
    expect([...(map ?? [])].map(([key, value]) => [key, textOf(value)])).toEqual([
      ['price', '10'],
      ['empty', ''],
      ['null', ''],
    ]);
  });

  it('may be absent', () => {
    expect(transientMap(undefined)).toBeUndefined();
  });

  it.each(['x', '[]', '{"price":10}', '{"price":"no base64!"}'])('%s is refused', (text) => {
    expect(() => transientMap(text)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }));
  });
});
