import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { applicationCapabilities, Capabilities } from './capabilities.ts';

describe('capabilities', () => {
  it('imply the levels below and none above', () => {
    const capabilities = applicationCapabilities(new Capabilities('Application', ['V1_3']));
    assert.equal(capabilities.level, 'V1_3');
    assert.ok(capabilities.v11Validation && capabilities.acls && capabilities.keyLevelEndorsement);
    assert.ok(!capabilities.storePvtDataOfInvalidTx && !capabilities.lifecycleV20 && !capabilities.purgePvtData);
  });

  it('take the highest of several', () => assert.equal(new Capabilities('Channel', ['V2_0', 'V1_1']).level, 'V2_0'));

  it('are all off when none is named', () => {
    const { level, ...flags } = applicationCapabilities(new Capabilities('Application', []));
    assert.equal(level, '');
    assert.ok(Object.values(flags).every((flag) => flag === false));
  });

  it('know the previews of 1.1, which are no level', () => {
    const capabilities = applicationCapabilities(new Capabilities('Application', ['V1_1_PVTDATA_EXPERIMENTAL']));
    assert.equal(capabilities.level, '');
    assert.ok(capabilities.privateChannelData && !capabilities.acls);
  });

  it('that are unknown refuse the configuration and are named', () => {
    assert.throws(() => new Capabilities('Application', ['V1_4_2', 'V9_9']), {
      code: 'CONFIG_INVALID',
      message: 'Application capability V9_9 is required but not supported',
    });
    assert.throws(() => new Capabilities('Orderer', ['V1_3']), { code: 'CONFIG_INVALID' });
  });
});
