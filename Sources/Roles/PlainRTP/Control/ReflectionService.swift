// SPDX-License-Identifier: Apache-2.0

import FanoutAPI
import GRPCCore
import GRPCProtobuf
import SwiftProtobuf

/// gRPC server reflection, of which a client without definitions learns the services: v1, and v1alpha, whose messages are
/// the same.
struct ReflectionService: RegistrableRPCService {
    private let files: DescriptorIndex

    /// A service over the descriptors that the API was generated with.
    init() throws { files = try DescriptorIndex(serialized: APIDescriptors.fileSet) }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for version in ["v1", "v1alpha"] {
            let service = ServiceDescriptor(fullyQualifiedService: "grpc.reflection.\(version).ServerReflection")
            router.registerHandler(
                forMethod: MethodDescriptor(
                    service: service, method: "ServerReflectionInfo", type: .bidirectionalStreaming),
                deserializer: ProtobufDeserializer<Grpc_Reflection_V1_ServerReflectionRequest>(),
                serializer: ProtobufSerializer<Grpc_Reflection_V1_ServerReflectionResponse>()
            ) { [files] request, _ in
                StreamingServerResponse { writer in
                    for try await question in request.messages { try await writer.write(files.answer(to: question)) }
                    return [:]
                }
            }
        }
    }
}

/// The files of a descriptor set by their names, and by the names of what they define.
struct DescriptorIndex: Sendable {
    private var files: [String: Google_Protobuf_FileDescriptorProto] = [:]
    private var fileOfSymbol: [String: String] = [:]
    private var services: [String] = []

    /// Of a serialized `google.protobuf.FileDescriptorSet`.
    init(serialized bytes: [UInt8]) throws {
        let set = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        for file in set.file {
            files[file.name] = file
            for message in file.messageType { note(message, within: file.package, of: file.name) }
            for service in file.service {
                let name = "\(file.package).\(service.name)"
                services.append(name)
                fileOfSymbol[name] = file.name
                for method in service.method { fileOfSymbol["\(name).\(method.name)"] = file.name }
            }
        }
    }

    /// What the protocol answers to one question.
    func answer(
        to question: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        .with { response in
            response.validHost = question.host
            response.originalRequest = question
            switch question.messageRequest {
            case .listServices:
                response.listServicesResponse.service = services.map { name in .with { $0.name = name } }
            case .fileByFilename(let name): fill(&response, with: files[name], for: name)
            case .fileContainingSymbol(let name):
                fill(&response, with: fileOfSymbol[name].flatMap { files[$0] }, for: name)
            case .allExtensionNumbersOfType(let name) where fileOfSymbol[name] != nil:
                response.allExtensionNumbersResponse.baseTypeName = name
            case .allExtensionNumbersOfType(let name): fill(&response, with: nil, for: name)
            case .fileContainingExtension(let wish): fill(&response, with: nil, for: wish.containingType)
            case nil: refuse(&response, .invalidArgument, "nothing is asked")
            }
        }
    }

    private mutating func note(_ message: Google_Protobuf_DescriptorProto, within scope: String, of file: String) {
        let name = "\(scope).\(message.name)"
        fileOfSymbol[name] = file
        for nested in message.nestedType { note(nested, within: name, of: file) }
    }

    /// A file with all that it imports, itself first.
    private func fill(
        _ response: inout Grpc_Reflection_V1_ServerReflectionResponse,
        with file: Google_Protobuf_FileDescriptorProto?, for name: String
    ) {
        guard let file else { return refuse(&response, .notFound, "there is no \(name)") }
        let all = [file] + file.dependency.compactMap { files[$0] }
        response.fileDescriptorResponse.fileDescriptorProto = all.compactMap { try? $0.serializedData() }
    }

    private func refuse(
        _ response: inout Grpc_Reflection_V1_ServerReflectionResponse, _ code: RPCError.Code, _ message: String
    ) {
        response.errorResponse.errorCode = Int32(code.rawValue)
        response.errorResponse.errorMessage = message
    }
}
