import { describe, expect, it } from 'vitest';
import { checkChaincodeName, checkChaincodeVersion } from './names.ts';

describe('chaincode names', () => {
  it('are judged as Fabric 1.4 does', () => {
    for (const good of ['a', 'A1', 'my-cc', 'my_cc_2']) expect(() => checkChaincodeName(good)).not.toThrow();
    for (const bad of ['', '-a', 'a-', 'a--b', 'a.b', 'a/b', '../a', 'a b', 'a\n'])
      expect(() => checkChaincodeName(bad), bad).toThrow('invalid chaincode name');
    expect(() => checkChaincodeName('bad name!')).toThrow(
      "invalid chaincode name 'bad name!'. Names must start with an alphanumeric character and can only consist of alphanumerics, '_', and '-'",
    );
  });

  it('are judged as Fabric 1.1 did, on request', () => {
    for (const good of ['-a', 'a-', 'a--b']) expect(() => checkChaincodeName(good, '1.1')).not.toThrow();
    expect(() => checkChaincodeName('', '1.1')).toThrow('chaincode name not provided');
    expect(() => checkChaincodeName('bad name!', '1.1')).toThrow(
      "invalid chaincode name 'bad name!'. Names can only consist of alphanumerics, '_', and '-'",
    );
  });
});

describe('chaincode versions', () => {
  it('have their own characters and texts', () => {
    for (const good of ['1', '1.0', 'v1+2_3-4']) expect(() => checkChaincodeVersion('cc', good)).not.toThrow();
    for (const bad of ['', '1/0', '1 0', '1\0']) expect(() => checkChaincodeVersion('cc', bad), bad).toThrow('invalid chaincode version');
    expect(() => checkChaincodeVersion('cc', '', '1.1')).toThrow("version not provided for chaincode with name 'cc'");
    expect(() => checkChaincodeVersion('cc', '*', '1.1')).toThrow(
      "invalid chaincode version '*'. Versions can only consist of alphanumerics, '_',  '-', '+', and '.'",
    );
  });

  it('do not make a file name too long for the disk', () => {
    expect(() => checkChaincodeVersion('cc', '1'.repeat(300))).toThrow('longer than 254 characters');
  });
});
