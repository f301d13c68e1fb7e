import { SelvageError } from '../common/errors.ts';
import { lifecycle, protos } from '../protos/messages.ts';
import {
  type ReadableRecords,
  type RecordField,
  type RecordName,
  readable,
  readBytes,
  readField,
  readMetadata,
  readSequence,
  type StateRecord,
} from './records.ts';

/** What organisations agree on for a chaincode, beside its sequence. */
export interface DefinitionParameters {
  readonly version: string;
  readonly initRequired: boolean;
  readonly endorsementPlugin: string;
  readonly validationPlugin: string;
  /** `ApplicationPolicy` bytes. */
  readonly validationParameter: Uint8Array;
  readonly collections: protos.CollectionConfigPackageInit;
}

/** A chaincode definition of the 2.x lifecycle. */
export interface LifecycleDefinition extends DefinitionParameters {
  /** From 1, one more with each definition of the same name. */
  readonly sequence: bigint;
}

/** Names of the record types, as Fabric spells them: they are in every peer's state. */
export const DEFINITION_TYPE = 'ChaincodeDefinition';
export const PARAMETERS_TYPE = 'ChaincodeParameters';
export const PACKAGE_TYPE = 'ChaincodeLocalPackage';

/** A committed definition, in the public state. */
export const committedName = (chaincode: string): RecordName => ({ area: 'namespaces', name: chaincode });

/** What an organisation approved, in its collection. */
export const approvalName = (chaincode: string, sequence: bigint): RecordName => ({ area: 'namespaces', name: `${chaincode}#${sequence}` });

/** Which package an organisation runs for a definition, in its collection. */
export const sourceName = (chaincode: string, sequence: bigint): RecordName => ({
  area: 'chaincode-sources',
  name: `${chaincode}#${sequence}`,
});

export const definitionRecord = (definition: LifecycleDefinition): StateRecord => ({
  datatype: DEFINITION_TYPE,
  fields: [{ name: 'Sequence', data: { int64: definition.sequence } }, ...parameterFields(definition)],
});

/** The same without its sequence, which is in the record's name. */
export const parametersRecord = (parameters: DefinitionParameters): StateRecord => ({
  datatype: PARAMETERS_TYPE,
  fields: parameterFields(parameters),
});

/** @param packageId '' for a definition that the organisation approves and does not run */
export const packageRecord = (packageId: string): StateRecord => ({
  datatype: PACKAGE_TYPE,
  fields: [{ name: 'PackageID', data: { string: packageId } }],
});

/** The value under which a package id stands in the state; its hash is what other peers of the organisation know. */
export const packageIdValue = (packageId: string): Uint8Array => lifecycle.StateData.encode({ string: packageId });

const parameterFields = (parameters: DefinitionParameters): readonly RecordField[] => {
  const { version, initRequired, endorsementPlugin, validationPlugin, validationParameter, collections } = parameters;
  return [
    { name: 'EndorsementInfo', data: { bytes: lifecycle.ChaincodeEndorsementInfo.encode({ version, initRequired, endorsementPlugin }) } },
    { name: 'ValidationInfo', data: { bytes: lifecycle.ChaincodeValidationInfo.encode({ validationPlugin, validationParameter }) } },
    { name: 'Collections', data: { bytes: protos.CollectionConfigPackage.encode(collections) } },
  ];
};

/**
 * The committed definition of a chaincode, or undefined. Reads its metadata and, if there are any, its four fields.
 * @throws {SelvageError} `LEDGER_CORRUPT`
 */
export async function readDefinition(chaincode: string, records: ReadableRecords): Promise<LifecycleDefinition | undefined> {
  const name = committedName(chaincode);
  const metadata = await readMetadata(name, records);
  if (metadata === undefined) return undefined;
  checkType(metadata, DEFINITION_TYPE);
  return { sequence: await readSequence(chaincode, records), ...(await readParameterFields(name, records)) };
}

/** What an organisation approved, or undefined. @throws {SelvageError} `LEDGER_CORRUPT` */
export async function readParameters(name: RecordName, records: ReadableRecords): Promise<DefinitionParameters | undefined> {
  const metadata = await readMetadata(name, records);
  if (metadata === undefined) return undefined;
  checkType(metadata, PARAMETERS_TYPE);
  return readParameterFields(name, records);
}

/** The package id of an approval: '' for none that it runs, undefined without a record. @throws {SelvageError} `LEDGER_CORRUPT` */
export async function readPackageId(name: RecordName, records: ReadableRecords): Promise<string | undefined> {
  const metadata = await readMetadata(name, records);
  if (metadata === undefined) return undefined;
  checkType(metadata, PACKAGE_TYPE);
  return (await readField(name, 'PackageID', records)).string ?? '';
}

async function readParameterFields(name: RecordName, records: ReadableRecords): Promise<DefinitionParameters> {
  const info = await readBytes(name, 'EndorsementInfo', records);
  const validation = await readBytes(name, 'ValidationInfo', records);
  const collections = await readBytes(name, 'Collections', records);
  const { version, initRequired, endorsementPlugin } = readable(`key ${name.name}`, () => lifecycle.ChaincodeEndorsementInfo.decode(info));
  const { validationPlugin, validationParameter } = readable(`key ${name.name}`, () =>
    lifecycle.ChaincodeValidationInfo.decode(validation),
  );
  return {
    version,
    initRequired,
    endorsementPlugin,
    validationPlugin,
    validationParameter,
    collections: readable(`key ${name.name}`, () => protos.CollectionConfigPackage.decode(collections)),
  };
}

function checkType({ datatype }: lifecycle.StateMetadata, wanted: string): void {
  if (datatype !== wanted) throw new SelvageError('LEDGER_CORRUPT', `type name mismatch '${wanted}' != '${datatype}'`);
}
