"""What hides and spoils a face in a picture: drawn masks, light, blur, noise, coding."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.ink.textures import surface

CLOTH = (
    (235, 235, 235),
    (225, 190, 150),
    (200, 160, 90),
    (30, 30, 30),
    (60, 60, 70),
    (200, 180, 220),
    (150, 200, 160),
)
"""BGR of masks as they are worn most: white, light and middle blue, black, grey, pink, green."""


def masked_up(rng: np.random.Generator, image: Image, points: NDArray[np.float32]) -> None:
    """Draws a mask over nose and mouth into ``image`` (H, W, 3); ``points`` (5, 2) as detectors give them."""
    left, right, nose, mouth_left, mouth_right = points
    mouth = (mouth_left + mouth_right) / 2
    eyes = (left + right) / 2
    down = mouth - eyes
    tall = float(np.hypot(*down))
    if tall < 4:
        return
    down = down / tall
    across = np.array([down[1], -down[0]], np.float32)
    if float(across @ (right - left)) < 0:
        across = -across
    # The cheeks lie beyond the corners of the mouth, farther on the side that is turned to the camera.
    reach = tall * float(rng.uniform(0.6, 0.8))
    turn = float(across @ (nose - eyes))
    start = nose - down * tall * float(rng.uniform(0.0, 0.3))
    chin = mouth + down * tall * float(rng.uniform(0.5, 0.75))
    outline = np.stack(
        [
            start,
            nose + across * (reach - turn) - down * tall * 0.05,
            mouth + across * (reach * 0.85 - turn) + down * tall * 0.15,
            chin + across * reach * 0.35,
            chin - across * reach * 0.35,
            mouth - across * (reach * 0.85 + turn) + down * tall * 0.15,
            nose - across * (reach + turn) - down * tall * 0.05,
        ]
    )
    colour = np.clip(np.array(CLOTH[rng.integers(len(CLOTH))]) * rng.uniform(0.6, 1.05), 0, 255)
    if rng.random() < 0.15:
        colour = rng.integers(0, 256, 3).astype(np.float64)
    corners = np.round(outline * 16).astype(np.int32)
    cv2.fillPoly(image, [corners], colour.tolist(), cv2.LINE_AA, 4)
    for fold in range(int(rng.integers(0, 4))):
        middle = start + (chin - start) * (0.3 + 0.18 * fold)
        ends = np.round(np.stack([middle - across * reach * 0.6, middle + across * reach * 0.6]) * 16)
        shade = (colour * 0.85).tolist()
        cv2.polylines(image, [ends.astype(np.int32)], False, shade, 1, cv2.LINE_AA, 4)


def seen_by_camera(rng: np.random.Generator, image: Image) -> Image:
    """Another light, sharpness, noise and coding; (H, W, 3) uint8."""
    if rng.random() < 0.6:
        image = _lit(rng, image)
    if rng.random() < 0.1:
        image = np.asarray(
            cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8
        )
    if rng.random() < 0.12:
        image = _blurred(rng, image)
    if rng.random() < 0.12:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 12))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        coded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))))[1]
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return image


def _lit(rng: np.random.Generator, image: Image) -> Image:
    levels = np.linspace(0, 1, 256)[:, None]
    dark = rng.random() < 0.12
    gain = rng.uniform(0.15, 0.5) if dark else np.exp(rng.normal(0, 0.2))
    gains = gain * np.exp(rng.normal(0, 0.07, 3))
    table = np.clip(levels ** np.exp(rng.normal(0, 0.25)) * gains * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[:, None, :]), np.uint8)


def _blurred(rng: np.random.Generator, image: Image) -> Image:
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.6))), np.uint8)
    length = int(rng.integers(3, 7))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(rng.uniform(0, 180)), 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)))
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)


def printed(rng: np.random.Generator, size: tuple[int, int]) -> Image:
    """A surface, a page, a sign or a pattern of ``size`` (width, height): what is no face."""
    width, height = size
    if rng.random() < 0.5:
        grey = surface(rng, max(size))[:height, :width, None]
        tint = rng.integers(120, 256, 3) if rng.random() < 0.6 else np.array([255, 255, 255])
        return np.clip(grey * tint, 0, 255).astype(np.uint8)
    ground = rng.integers(0, 256, 3)
    image = np.full((height, width, 3), ground, np.uint8)
    kind = rng.random()
    if kind < 0.6:
        ink = (255 - ground if rng.random() < 0.7 else rng.integers(0, 256, 3)).tolist()
        scale = float(np.exp(rng.uniform(np.log(0.3), np.log(4))))
        step = max(int(28 * scale * rng.uniform(0.9, 1.6)), 6)
        for y in range(int(rng.integers(0, step)), height + step, step):
            letters = "".join(chr(int(code)) for code in rng.choice(_LETTERS, int(width / (9 * scale)) + 2))
            font = int(rng.choice((0, 1, 2, 3, 4, 6, 7)))
            place = (int(rng.integers(-20, 20)), y)
            cv2.putText(
                image, letters, place, font, scale, ink, max(int(scale * rng.uniform(1, 3)), 1), cv2.LINE_AA
            )
    elif kind < 0.8:
        for _ in range(int(rng.integers(3, 60))):
            x, y, w, h = rng.integers(0, (width, height, width // 2, height // 2))
            colour = rng.integers(0, 256, 3).tolist()
            if rng.random() < 0.5:
                cv2.circle(image, (int(x), int(y)), int(min(w, h) // 2 + 1), colour, -1, cv2.LINE_AA)
            else:
                cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    else:
        small = rng.integers(0, 256, (int(rng.integers(2, 40)), int(rng.integers(2, 40)), 3)).astype(np.uint8)
        how = int(rng.choice((cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
        image = np.asarray(cv2.resize(small, size, interpolation=how), np.uint8)
    return image


_LETTERS = np.array(
    [ord(letter) for letter in "OoDQ08B6C9eacgbdpq.:;-_()%&@ABEHKMNRSTUVWXYZ0123456789 uvwxyzhkmnrst"]
)
