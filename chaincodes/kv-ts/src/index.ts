import shim, { type ChaincodeInterface, type ChaincodeResponse, type ChaincodeStub } from 'fabric-shim';
import { operations, put } from './operations';

/** One operation per function name. Init takes `init` and then keys and values to begin with. */
class KeyValueChaincode implements ChaincodeInterface {
  async Init(stub: ChaincodeStub): Promise<ChaincodeResponse> {
    const { params } = stub.getFunctionAndParameters();
    return answer(() => put(stub, params).then(() => 'init done'));
  }

  async Invoke(stub: ChaincodeStub): Promise<ChaincodeResponse> {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'status') return withStatus(params);
    const operation = operations.get(fcn);
    return operation === undefined ? failure(`unknown function ${fcn}`) : answer(() => operation(stub, params));
  }
}

async function answer(operation: () => Promise<Uint8Array | string>): Promise<ChaincodeResponse> {
  try {
    return shim.success(Buffer.from((await operation()) ?? ''));
  } catch (thrown) {
    return failure(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** What `shim.error` makes of a text; its type asks for bytes, which the shim does not survive. */
const failure = (message: string): ChaincodeResponse => ({ status: 500, message, payload: Buffer.alloc(0) });

/** `status CODE [MESSAGE] [PAYLOAD]`: a response with any status. */
const withStatus = ([code, message = '', payload = '']: readonly string[]): ChaincodeResponse => ({
  status: Number(code),
  message,
  payload: Buffer.from(payload),
});

shim.start(new KeyValueChaincode());
