import { describe, expect, it } from 'vitest';
import { goJson, goMap, withoutEmpty } from './go-json.ts';

describe('JSON as Go prints it', () => {
  it('is indented by tabs and keeps the order of fields', () => {
    expect(goJson({ b: [1, { c: true }], a: 'x' })).toBe('{\n\t"b": [\n\t\t1,\n\t\t{\n\t\t\t"c": true\n\t\t}\n\t],\n\t"a": "x"\n}');
  });

  it('has whole 64-bit numbers, bytes in base64 and characters of pages escaped', () => {
    expect(goJson({ n: 18446744073709551615n, b: new Uint8Array([255, 0]), s: '<a>&\u2028"ü', z: null })).toBe(
      '{\n\t"n": 18446744073709551615,\n\t"b": "/wA=",\n\t"s": "\\u003ca\\u003e\\u0026\\u2028\\"ü",\n\t"z": null\n}',
    );
  });

  it('prints what is empty in one piece, and leaves out what is undefined', () => {
    expect(goJson({ a: {}, b: [], c: undefined })).toBe('{\n\t"a": {},\n\t"b": []\n}');
    expect(goJson({})).toBe('{}');
  });

  it('drops empty fields where Go does: not empty messages', () => {
    expect(withoutEmpty({ s: '', n: 0, i: 0n, f: false, b: new Uint8Array(0), l: [], u: undefined, m: {}, one: 1 })).toEqual({
      m: {},
      one: 1,
    });
  });

  it('sorts maps by their keys', () => {
    expect(Object.keys(goMap(new Map(['Org2', 'Org10', 'A'].map((key) => [key, true])), (value) => value) ?? {})).toEqual([
      'A',
      'Org10',
      'Org2',
    ]);
    expect(goMap(new Map(), () => true)).toBeUndefined();
  });
});
