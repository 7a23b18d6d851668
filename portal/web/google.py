"""Under way."""
from flask import Blueprint
blueprint = Blueprint("google", __name__)
