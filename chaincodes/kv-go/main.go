// Every request that a chaincode can make of its peer, one function each: for tests and measurements.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type keyValueChaincode struct{}

// Init takes a function name, which does not matter, and then keys and values to begin with.
func (keyValueChaincode) Init(stub shim.ChaincodeStubInterface) *peer.Response {
	_, args := stub.GetFunctionAndParameters()
	if _, err := put(stub, args); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success([]byte("init done"))
}

func (keyValueChaincode) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	name, args := stub.GetFunctionAndParameters()
	if name == "status" {
		return withStatus(args)
	}
	operation, known := operations[name]
	if !known {
		return shim.Error("unknown function " + name)
	}
	payload, err := operation(stub, args)
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

// withStatus answers "status CODE [MESSAGE] [PAYLOAD]" with any status.
func withStatus(args []string) *peer.Response {
	code, err := strconv.ParseInt(argument(args, 0), 10, 32)
	if err != nil {
		return shim.Error(err.Error())
	}
	return &peer.Response{Status: int32(code), Message: argument(args, 1), Payload: []byte(argument(args, 2))}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run dials the peer, or waits for it to call where CHAINCODE_SERVER_ADDRESS says so.
func run() error {
	address := os.Getenv("CHAINCODE_SERVER_ADDRESS")
	if address == "" {
		return shim.Start(keyValueChaincode{})
	}
	tls, err := tlsOfServer()
	if err != nil {
		return err
	}
	server := &shim.ChaincodeServer{CCID: os.Getenv("CHAINCODE_ID"), Address: address, CC: keyValueChaincode{}, TLSProps: tls}
	return server.Start()
}

// tlsOfServer is TLS unless CHAINCODE_TLS_DISABLED is anything but "false"; the other variables name PEM files.
func tlsOfServer() (tls shim.TLSProperties, err error) {
	if os.Getenv("CHAINCODE_TLS_DISABLED") != "false" {
		return shim.TLSProperties{Disabled: true}, nil
	}
	if tls.Key, err = os.ReadFile(os.Getenv("CHAINCODE_TLS_KEY")); err != nil {
		return tls, err
	}
	if tls.Cert, err = os.ReadFile(os.Getenv("CHAINCODE_TLS_CERT")); err != nil {
		return tls, err
	}
	if name := os.Getenv("CHAINCODE_CLIENT_CA_CERT"); name != "" {
		tls.ClientCACerts, err = os.ReadFile(name)
	}
	return tls, err
}
