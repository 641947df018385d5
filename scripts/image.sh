#!/bin/sh
# Build the container image with whatever can: docker, podman or buildah. Without one, say so; with `required`, that is an error.
set -eu
tag=${IMAGE:-perijove}
for builder in docker podman buildah; do
    # docker may be there without its daemon.
    if command -v "$builder" >/dev/null && "$builder" info >/dev/null 2>&1; then
        echo "Building the image $tag with $builder …"
        exec "$builder" build -f Containerfile -t "$tag" .
    fi
done
echo "The image is not built: no docker, podman or buildah runs here." >&2
[ "${1:-}" != required ]
