"""The demonstration: invented facilities, people and bookings, loaded through the importer and the services."""
