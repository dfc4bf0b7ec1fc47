// SPDX-License-Identifier: Apache-2.0

/// The definitions that the API was generated from, as server reflection hands them out.
public enum APIDescriptors {
    /// A serialized `google.protobuf.FileDescriptorSet`, with all that the files import.
    public static var fileSet: [UInt8] { PackageResources.descriptors_binpb }
}
