"""Compiles the .proto files to the descriptors that scalpel_rt/caffe/messages.py loads.

setup.py calls :func:`compile_protos`; ``python proto/compile.py`` does the same by hand. Only descriptors are
made, no Python: the generated code of one protobuf release refuses to run with another, descriptors do not.
"""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "scalpel_rt" / "caffe"


def compile_protos(target=TARGET):
    """Write ``caffe.desc`` and ``forks.desc``, one serialized FileDescriptorSet each, where they are out of date.

    Needs grpcio-tools, for the protoc inside it. Returns the paths of the descriptors.
    """
    protos = sorted(HERE.glob("*.proto"))
    newest = max(path.stat().st_mtime for path in protos)
    made = []
    for proto in protos:
        desc = Path(target) / f"{proto.stem}.desc"
        made.append(desc)
        if desc.exists() and desc.stat().st_mtime >= newest:
            continue
        from grpc_tools import protoc  # only where something is to be made

        part = desc.with_name(f"{desc.name}.{os.getpid()}.part")
        if protoc.main(["protoc", f"-I{HERE}", f"--descriptor_set_out={part}", str(proto)]):
            part.unlink(missing_ok=True)
            raise RuntimeError(f"protoc could not compile {proto}")
        os.replace(part, desc)
    return made


if __name__ == "__main__":
    compile_protos()
