import { describe, expect, it } from 'vitest';
import { hex, sha256, utf8 } from '../common/bytes.ts';
import { lifecycle, protos } from '../protos/messages.ts';
import {
  approvalName,
  committedName,
  definitionRecord,
  type LifecycleDefinition,
  packageIdValue,
  packageRecord,
  parametersRecord,
  readDefinition,
  readPackageId,
  readParameters,
  sourceName,
} from './lifecycle-definition.ts';
import {
  fieldKey,
  isMetadataWritten,
  isWritten,
  metadataKey,
  metadataOf,
  readSequence,
  type WritableRecords,
  writeRecord,
} from './records.ts';

const definition: LifecycleDefinition = {
  sequence: 1n,
  version: '1.0',
  initRequired: false,
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: protos.ApplicationPolicy.encode({ channelConfigPolicyReference: '/Channel/Application/Endorsement' }),
  collections: { config: [] },
};

/** Records in a map, and what is done to them. */
class Records implements WritableRecords {
  readonly values = new Map<string, Uint8Array>();
  readonly log: string[] = [];

  get(key: string): Uint8Array | undefined {
    this.log.push(`get ${key}`);
    return this.values.get(key);
  }
  put(key: string, value: Uint8Array): void {
    this.log.push(`put ${key}`);
    this.values.set(key, value);
  }
  delete(key: string): void {
    this.log.push(`delete ${key}`);
    this.values.delete(key);
  }
  hashOf(key: string): Uint8Array | undefined {
    this.log.push(`hash ${key}`);
    const value = this.values.get(key);
    return value && sha256(value);
  }
}

const F = 'namespaces/fields/cc';

describe('records of the lifecycle', () => {
  it('have the bytes that every peer has for them', async () => {
    const records = new Records();
    await writeRecord(committedName('cc'), definitionRecord(definition), records);
    const shown = (key: string) => {
      const value = records.values.get(key) ?? new Uint8Array();
      return [hex(value), hex(sha256(value))];
    };
    expect(shown('namespaces/metadata/cc')).toEqual([
      '0a13436861696e636f6465446566696e6974696f6e120853657175656e6365120f456e646f7273656d656e74496e666f120e56616c69646174696f6e496e666f120b436f6c6c656374696f6e73',
      'ab1aea9a2bb8dc913e1818d4597ade64c374dcea3fe1cf5f577931c6ccdc38df',
    ]);
    expect(shown(`${F}/Sequence`)[0]).toBe('0801');
    expect(shown(`${F}/EndorsementInfo`)).toEqual([
      '120b0a03312e301a0465736363',
      '2d718b88473f63f937847f91113afcfe1aa708cad412ea39eca39b68d95640bb',
    ]);
    expect(shown(`${F}/ValidationInfo`)).toEqual([
      '122a0a0476736363122212202f4368616e6e656c2f4170706c69636174696f6e2f456e646f7273656d656e74',
      '18a308f4889f4e6d5cb478488d8a11dfd1fbc98cc790a5e591f274c45075b752',
    ]);
    expect(shown(`${F}/Collections`)).toEqual(['1200', '08da7c45cb204377e7e42249cda5713fa865116ddbb4cb5a1949b2e5b438a6ab']);
    expect(hex(metadataOf(parametersRecord(definition)))).toBe(
      '0a13436861696e636f6465506172616d6574657273120f456e646f7273656d656e74496e666f120e56616c69646174696f6e496e666f120b436f6c6c656374696f6e73',
    );
    expect(hex(sha256(metadataOf(parametersRecord(definition))))).toBe('991432db73fede13edbd2a61b0e0e92bb12f3c484be0b660caf8b0c31ef14706');
    expect(hex(metadataOf(packageRecord('')))).toBe('0a15436861696e636f64654c6f63616c5061636b61676512095061636b6167654944');
    expect(hex(sha256(metadataOf(packageRecord('x'))))).toBe('6952ede022cbae959e1b4aa0dad47e85bc9e1e4e9d8dfcf088507934880bbe75');
    expect(hex(packageIdValue(''))).toBe('1a00');
  });

  it('lie under the keys of their kind', () => {
    expect(metadataKey(approvalName('cc', 12n))).toBe('namespaces/metadata/cc#12');
    expect(fieldKey(approvalName('cc', 12n), 'Collections')).toBe('namespaces/fields/cc#12/Collections');
    expect(metadataKey(sourceName('cc', 12n))).toBe('chaincode-sources/metadata/cc#12');
    expect(fieldKey(sourceName('cc', 12n), 'PackageID')).toBe('chaincode-sources/fields/cc#12/PackageID');
  });

  it('are read as they were written', async () => {
    const records = new Records();
    const written = {
      ...definition,
      sequence: 7n,
      initRequired: true,
      collections: { config: [{ staticCollectionConfig: { name: 'c' } }] },
    };
    await writeRecord(committedName('cc'), definitionRecord(written), records);
    await writeRecord(approvalName('cc', 7n), parametersRecord(written), records);
    await writeRecord(sourceName('cc', 7n), packageRecord('label:hash'), records);
    expect(await readDefinition('cc', records)).toMatchObject({
      sequence: 7n,
      version: '1.0',
      initRequired: true,
      validationPlugin: 'vscc',
    });
    expect((await readParameters(approvalName('cc', 7n), records))?.collections.config?.[0]?.staticCollectionConfig?.name).toBe('c');
    expect(await readPackageId(sourceName('cc', 7n), records)).toBe('label:hash');
    expect(await readSequence('cc', records)).toBe(7n);
  });

  it('are undefined, and of sequence 0, where nothing is', async () => {
    const records = new Records();
    expect(await readDefinition('cc', records)).toBeUndefined();
    expect(await readPackageId(sourceName('cc', 1n), records)).toBeUndefined();
    expect(await readSequence('cc', records)).toBe(0n);
  });

  it('are written only where they differ', async () => {
    const records = new Records();
    await writeRecord(committedName('cc'), definitionRecord(definition), records);
    expect(records.log).toEqual([
      'get namespaces/metadata/cc',
      `put ${F}/Sequence`,
      `put ${F}/EndorsementInfo`,
      `put ${F}/ValidationInfo`,
      `put ${F}/Collections`,
      'put namespaces/metadata/cc',
    ]);
    records.log.length = 0;
    await writeRecord(committedName('cc'), definitionRecord({ ...definition, sequence: 2n }), records);
    expect(records.log).toEqual([
      'get namespaces/metadata/cc',
      `get ${F}/Sequence`,
      `get ${F}/EndorsementInfo`,
      `get ${F}/ValidationInfo`,
      `get ${F}/Collections`,
      `put ${F}/Sequence`,
    ]);
  });

  it('lose the fields that their kind has no more, and then say so', async () => {
    const records = new Records();
    const name = committedName('cc');
    await writeRecord(
      name,
      {
        datatype: 'Old',
        fields: [
          { name: 'Gone', data: { string: 'x' } },
          { name: 'Kept', data: { string: 'y' } },
        ],
      },
      records,
    );
    records.log.length = 0;
    await writeRecord(name, { datatype: 'Old', fields: [{ name: 'Kept', data: { string: 'y' } }] }, records);
    expect(records.log.filter((line) => !line.startsWith('get'))).toEqual(['put namespaces/metadata/cc', `delete ${F}/Gone`]);
    expect(lifecycle.StateMetadata.decode(records.values.get('namespaces/metadata/cc') ?? utf8('')).fields).toEqual(['Kept']);
  });

  it('are recognised by their hashes alone', async () => {
    const records = new Records();
    const name = approvalName('cc', 1n);
    await writeRecord(name, parametersRecord(definition), records);
    expect(await isWritten(name, parametersRecord(definition), records)).toBe(true);
    for (const other of [{ version: '1.1' }, { validationPlugin: 'other' }, { initRequired: true }, { collections: { config: [{}] } }])
      expect(await isWritten(name, parametersRecord({ ...definition, ...other }), records)).toBe(false);
    expect(await isWritten(approvalName('cc', 2n), parametersRecord(definition), records)).toBe(false);
    expect(await isMetadataWritten(name, packageRecord(''), records)).toBe(false);
  });

  it('are compared in all their keys, whatever the first one says', async () => {
    const records = new Records();
    await isWritten(approvalName('cc', 1n), parametersRecord(definition), records);
    expect(records.log).toEqual([
      'hash namespaces/metadata/cc#1',
      ...['EndorsementInfo', 'ValidationInfo', 'Collections'].map((field) => `hash namespaces/fields/cc#1/${field}`),
    ]);
  });

  it('of another kind or without sense are a broken ledger', async () => {
    const records = new Records();
    await writeRecord(committedName('cc'), packageRecord('x'), records);
    await expect(readDefinition('cc', records)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    records.values.set('namespaces/fields/cc/Sequence', utf8('\xff'));
    await expect(async () => readSequence('cc', records)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    records.values.set('namespaces/fields/cc/Sequence', lifecycle.StateData.encode({ string: '1' }));
    await expect(async () => readSequence('cc', records)).rejects.toThrow(
      'expected key namespaces/fields/cc/Sequence to encode a value of type Int64',
    );
  });
});
