package example;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.InetSocketAddress;
import java.util.List;
import org.hyperledger.fabric.metrics.Metrics;
import org.hyperledger.fabric.shim.ChaincodeBase;
import org.hyperledger.fabric.shim.ChaincodeServerProperties;
import org.hyperledger.fabric.shim.ChaincodeStub;
import org.hyperledger.fabric.shim.NettyChaincodeServer;
import org.hyperledger.fabric.traces.Traces;

/** Every request that a chaincode can make of its peer, one function each: for tests and measurements. */
public final class KeyValueChaincode extends ChaincodeBase {

    /** Takes a function name, which does not matter, and then keys and values to begin with. */
    @Override
    public Response init(final ChaincodeStub stub) {
        return answer(() -> {
            Operations.put(stub, stub.getParameters());
            return "init done".getBytes(UTF_8);
        });
    }

    @Override
    public Response invoke(final ChaincodeStub stub) {
        final String name = stub.getFunction();
        final List<String> args = stub.getParameters();
        if (name.equals("status")) {
            return withStatus(args);
        }
        final Operations.Operation operation = Operations.BY_NAME.get(name);
        if (operation == null) {
            return failure("unknown function " + name);
        }
        return answer(() -> operation.run(stub, args));
    }

    private interface Work {
        byte[] run() throws Exception;
    }

    private static Response answer(final Work work) {
        try {
            return new Response(200, "", work.run());
        } catch (Exception thrown) {
            return failure(thrown.getMessage());
        }
    }

    private static Response failure(final String message) {
        return new Response(500, message, new byte[0]);
    }

    /** {@code status CODE [MESSAGE] [PAYLOAD]}: a response with one of the statuses that this shim knows: 200, 400 and 500. */
    private static Response withStatus(final List<String> args) {
        final int code = Integer.parseInt(Operations.argument(args, 0));
        return new Response(code, Operations.argument(args, 1), Operations.argument(args, 2).getBytes(UTF_8));
    }

    /** Dials the peer, or waits for it to call where CHAINCODE_SERVER_ADDRESS says so. */
    public static void main(final String[] args) throws Exception {
        final String address = System.getenv("CHAINCODE_SERVER_ADDRESS");
        if (address == null || address.isEmpty()) {
            new KeyValueChaincode().start(args);
            return;
        }
        final KeyValueChaincode chaincode = new KeyValueChaincode();
        chaincode.processCommandLineOptions(new String[] {"-i", System.getenv("CHAINCODE_ID")});
        // What start does beside dialling the peer: without these the server accepts connections and never registers.
        Metrics.initialize(chaincode.getChaincodeConfig());
        Traces.initialize(chaincode.getChaincodeConfig());
        new NettyChaincodeServer(chaincode, server(address)).start();
    }

    /** TLS unless CHAINCODE_TLS_DISABLED is anything but {@code false}; the other variables name PEM files. */
    private static ChaincodeServerProperties server(final String address) {
        final int colon = address.lastIndexOf(':');
        final ChaincodeServerProperties properties = new ChaincodeServerProperties();
        properties.setServerAddress(new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))));
        if ("false".equals(System.getenv("CHAINCODE_TLS_DISABLED"))) {
            properties.setTlsEnabled(true);
            properties.setKeyFile(System.getenv("CHAINCODE_TLS_KEY"));
            properties.setKeyCertChainFile(System.getenv("CHAINCODE_TLS_CERT"));
            properties.setTrustCertCollectionFile(System.getenv("CHAINCODE_CLIENT_CA_CERT"));
        }
        return properties;
    }
}
